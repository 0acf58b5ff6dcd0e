@0x94768b106240f506;
# What an instance was started with; units and limits: ipc/control/settings.h.

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("bulkhead::schema");

struct Settings {
  ring @0 :UInt32;
  batch @1 :UInt32;
  flows @2 :UInt32;
  seed @3 :UInt64;
  spinUs @4 :UInt32;
  hangMs @5 :UInt32;
  packetsPerSecond @6 :UInt64;
  verdicts @7 :Bool;
  reserved8 @8 :UInt16;  # numbers of fields that are gone
  reserved9 @9 :UInt64;
  interfaces @10 :List(Interface);
  router @11 :Bool;
  routes @12 :List(Route);
  neighbours @13 :List(Neighbour);
  rulesetText @14 :Text;
  rules @15 :List(Rule);
  ruleWords @16 :UInt32;
  ruleMarks @17 :Bool;
  ruleNat @18 :Bool;
  ruleBecomes @19 :List(AddressRange);
  ruleChanges @20 :UInt32;
  ruleViews @21 :Bool;
  explainedInterface @22 :UInt32;
  explainedPacket @23 :UInt64;
  ruleEarly @24 :Bool;
  ruleResets @25 :Resets;
  strictMac @26 :Bool;
  fastLane @27 :Bool = true;
  ruleTuples @28 :Bool;
  ruleChoices @29 :Bool;
  answersLimited @30 :Bool = true;
  rulePieces @31 :Bool;
  reassembles4 @32 :Bool = true;
  reassembles6 @33 :Bool = true;
  ruleLabels @34 :Bool;
  ruleTimeouts @35 :List(Timeouts);
  ruleCounts @36 :UInt32;
  ruleZones @37 :Bool;
  ruleCopies @38 :Bool;

  enum Resets {
    none @0;
    others @1;
    any @2;
  }
  struct Interface {
    name @0 :Text;
    hasInput @1 :Bool;
    path @2 :Text;
    mac @3 :Data;
    mtu @4 :UInt32;
    addresses @5 :List(Prefix);
    groups @6 :List(Data);
  }
  struct Prefix {
    address @0 :Data;  # 4 or 16 bytes; none: no address
    length @1 :UInt8;
  }
  struct Route {
    destination @0 :Prefix;
    via @1 :Data;
    device @2 :UInt16;
    metric @3 :UInt32;
  }
  struct Rule {
    family @0 :Text;
    table @1 :Text;
    chain @2 :Text;
    handle @3 :UInt64;
  }
  struct Timeouts {
    protocol @0 :UInt8;
    states @1 :List(UInt8);     # which
    seconds @2 :List(UInt32);   # of each
  }
  struct AddressRange {
    source @0 :Bool;  # may be a translated source; else a destination
    low @1 :Data;
    high @2 :Data;
  }
  struct Neighbour {
    address @0 :Data;
    mac @1 :Data;
    device @2 :UInt16;
  }
}
