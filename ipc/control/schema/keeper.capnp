@0xfdc5b0bad731bbd5;
# What the keeper says: to services that ask for their objects (RUN/objects.sock, one message a packet), and to people
# (RUN/keeper.sock, RPC).

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("bulkhead::schema");

enum ObjectKind {
  memory @0;   # memfd with an ObjectHeader
  bell @1;     # eventfd
  file @2;     # capture file, pipe
  socket @3;   # listening socket; the keeper's own
  process @4;  # pidfd; the keeper's own
}

enum Right {
  read @0;
  write @1;
}

struct ToKeeper {
  union {
    hello @0 :Text;  # the service that asks
    none @1 :Void;
  }
}

struct ToService {
  union {
    grant @0 :Grant;    # its descriptor comes with it
    done @1 :UInt32;    # so many grants went before
    refused @2 :Text;   # why; the end of the conversation
  }
}

struct Grant {
  name @0 :Text;
  kind @1 :ObjectKind;
  right @2 :Right;
  bytes @3 :UInt64;  # of a memory
}

interface Keeper {
  status @0 () -> (status :Status);
  stop @1 ();  # the instance ends as if its holder had been interrupted
}

struct Status {
  keeperPid @0 :UInt32;
  keeperStarts @1 :UInt64;
  uptimeMs @2 :UInt64;      # of the instance
  runDir @3 :Text;
  services @4 :List(Service);
  progress @5 :Progress;
  settings @6 :Text;        # one line for people

  struct Service {
    name @0 :Text;
    pid @1 :UInt32;         # 0: none now
    state @2 :Text;         # starting, running, ending, waiting, failed
    uptimeMs @3 :UInt64;    # of this process
    restarts @4 :UInt64;
    rings @5 :List(Ring);   # that it reads
    batches @6 :UInt64;
    packetsIn @7 :UInt64;   # descriptors taken, over all its visits; events are among them
    packetsOut @8 :UInt64;
    drops @9 :List(Drop);
    sleeps @10 :UInt64;
    bells @11 :UInt64;
    corrupt @12 :UInt64;
  }
  struct Ring {
    name @0 :Text;
    depth @1 :UInt64;
    capacity @2 :UInt64;
  }
  struct Drop {
    reason @0 :Text;
    packets @1 :UInt64;
  }
  struct Progress {
    packets @0 :UInt64;  # taken in
    bytes @1 :UInt64;
    accepted @2 :UInt64;
    dropped @3 :UInt64;
    done @4 :Text;       # running, finished, failed
  }
}
