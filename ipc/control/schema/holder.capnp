@0xae4a6179d2ab69ea;
# Between holder and keeper, one message a packet of their socket pair; a descriptor comes with held and deposit.

using Cxx = import "/capnp/c++.capnp";
using import "keeper.capnp".ObjectKind;
$Cxx.namespace("bulkhead::schema");

struct HolderMessage {
  union {
    held @0 :Object;       # holder: this I hold for you
    allHeld @1 :UInt32;    # holder: that was everything, so many
    deposit @2 :Object;    # keeper: hold this; replaces what had the name
    deposited @3 :Text;    # holder: I hold it
    stop @4 :Void;         # keeper: somebody wants the instance to end
    failed @5 :Text;       # keeper: this cannot go on, and why
  }
}

struct Object {
  name @0 :Text;
  kind @1 :ObjectKind;
}
