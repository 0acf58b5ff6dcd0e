#!/bin/sh
# tests/replay/sample_test.sh MAKE_CAPTURE: the sample capture is what it claims to be, and tshark finds no fault in it but
# the three packets that are malformed on purpose. Exit 77: tshark is not installed (skipped).
set -eu

make_capture=$1
command -v tshark >/dev/null && command -v mergecap >/dev/null || exit 77
# tshark wants a folder for its settings and says things on stderr that mean nothing here.
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
export HOME="$folder" LC_ALL=C
failed=0

"$make_capture" sample "$folder"
"$make_capture" sample "$folder/again"
mergecap -w "$folder/both.pcapng" "$folder/lan.pcap" "$folder/wan.pcap"

# packets FILE FILTER: the numbers of the packets that it matches, on one line
packets() {
  tshark -n -r "$folder/$1" -o ip.check_checksum:TRUE -o tcp.check_checksum:TRUE -o udp.check_checksum:TRUE \
    -Y "$2" -T fields -e frame.number >"$folder/numbers" 2>"$folder/errors" || { cat "$folder/errors" >&2; return 1; }
  tr '\n' ' ' <"$folder/numbers"
}

# want WHAT FILE FILTER NUMBER: exactly so many packets; NUMBER may end in + (at least)
want() {
  numbers=$(packets "$2" "$3")  # set -e ends the test if tshark does not take the filter
  got=$(echo "$numbers" | wc -w)
  case $4 in
    *+) [ "$got" -ge "${4%+}" ] && return ;;
    *) [ "$got" -eq "$4" ] && return ;;
  esac
  echo "$2: $1: $got packets, want $4 (filter $3)"
  failed=1
}

for side in lan wan; do
  cmp "$folder/$side.pcap" "$folder/again/$side.pcap" || failed=1
done

# Every protocol is there, from both sides.
for side in lan wan; do
  want ARP $side.pcap arp 1
  want "neighbour discovery" $side.pcap 'icmpv6.type == 135 || icmpv6.type == 136' 1
  want "TCP over IPv4" $side.pcap 'ip && tcp && !vlan' 25+
  want "TCP over IPv6" $side.pcap 'ipv6 && tcp && !vlan' 25+
  want "UDP over IPv4" $side.pcap 'ip && udp && !icmp' 8+
  want "UDP over IPv6" $side.pcap 'ipv6 && udp && !icmpv6' 8+
  want ping $side.pcap 'icmp.type == 8 || icmp.type == 0' 10
  want "ping over IPv6" $side.pcap 'icmpv6.type == 128 || icmpv6.type == 129' 5
  want "one VLAN tag" $side.pcap 'vlan && !ieee8021ad' 6+
  want "two VLAN tags" $side.pcap 'vlan && ieee8021ad' 2
  want "IPv4 fragments" $side.pcap 'ip.flags.mf == 1 || ip.frag_offset > 0' 3
  want "IPv6 fragments" $side.pcap ipv6.fraghdr 3
  want "reassembled datagrams" $side.pcap 'ip.fragments || ipv6.fragments' 2
done
want "SYN scan" wan.pcap 'ip.src == 198.51.100.66 && tcp.flags.syn == 1 && tcp.flags.ack == 0' 40
want "refused ports" lan.pcap 'ip.dst == 198.51.100.66 && tcp.flags.reset == 1' 5
want "ICMP errors" wan.pcap 'icmp.type == 3 || icmpv6.type == 1' 2
want "a forwarded port's handshake" wan.pcap 'ip.dst == 198.51.100.1 && tcp.dstport == 8080 && tcp.flags.syn == 1' 1
want "answers to a translated client" wan.pcap 'ip.src == 198.51.100.20 && ip.dst == 198.51.100.1' 8+
want "first stamp" lan.pcap 'frame.number == 1 && frame.time_epoch == 1700000000.000000000' 1

# No fault but those that are meant: the last three from the lan.
bad='ip.checksum.status == 0 || tcp.checksum.status == 0 || udp.checksum.status == 0
     || icmp.checksum.status == 0 || icmpv6.checksum.status == 0'
for side in lan wan; do
  want "wrong checksums" $side.pcap "$bad" 0
  want "right TCP checksums" $side.pcap 'tcp.checksum.status == 1' 60+
  want "right UDP checksums" $side.pcap 'udp.checksum.status == 1' 20+
done
all=$(packets lan.pcap frame)
three=$(packets lan.pcap '_ws.malformed || _ws.expert.severity == 8388608')
case $all in
  *"$three") [ "$(echo "$three" | wc -w)" -eq 3 ] || { echo "lan.pcap: malformed are $three"; failed=1; } ;;
  *) echo "lan.pcap: malformed are $three, want the last three"; failed=1 ;;
esac
want malformed wan.pcap '_ws.malformed || _ws.expert.severity == 8388608' 0

# A router with NAT between them, so each side sees half of these.
translated='ip.addr == 192.0.2.11 || ip.addr == 192.0.2.12 || ip.addr == 192.0.2.13 || ip.addr == 198.51.100.1'

# Both sides together, where it is the same packets: nothing is lost, repeated or acknowledged before it was sent.
want "faults in TCP's sequence" both.pcapng \
  "tcp.analysis.flags && !tcp.analysis.window_update && !tcp.analysis.reused_ports && !($translated)" 0

exit $failed
