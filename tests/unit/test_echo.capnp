@0xb59b5ec0ad039a80;

# What rpc_test calls.
interface Echo {
  say @0 (text :Text) -> (text :Text);
  child @1 () -> (echo :Echo);
  hang @2 ();
  fetch @3 (size :UInt32) -> (data :Data);
}
