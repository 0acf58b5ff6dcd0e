@0xae4a6179d2ab69ea;
# Between starter and holder, and between holder and keeper, one message a packet of their socket pair; a descriptor comes
# with held and deposit.

using Cxx = import "/capnp/c++.capnp";
using import "keeper.capnp".ObjectKind;
$Cxx.namespace("bulkhead::schema");

struct HolderMessage {
  union {
    held @0 :Object;       # starter to holder, holder to keeper: hold this from now on
    allHeld @1 :UInt32;    # they, then: that was everything, so many
    deposit @2 :Object;    # keeper to holder, holder to starter: hold this too; replaces what had the name
    deposited @3 :Text;    # holder to keeper: I hold it
    stop @4 :Void;         # keeper to holder, holder to starter: somebody wants the instance to end. Starter to holder: end it
    failed @5 :Text;       # keeper to holder, holder to starter: this cannot go on, and why
    used @6 :Used;         # holder to starter, when all have ended
  }
}

struct Object {
  name @0 :Text;
  kind @1 :ObjectKind;
}

struct Used {             # by all processes of a service, or of the keeper, that ended under the holder
  name @0 :Text;
  userNs @1 :UInt64;
  systemNs @2 :UInt64;
  waits @3 :UInt64;       # voluntary context switches
  preemptions @4 :UInt64; # involuntary
  peakKib @5 :UInt64;     # of the largest
  processes @6 :UInt64;
}
