// RPC over unix sockets: well-behaved clients, and the others.
#define BOOST_TEST_MODULE rpc
#include "ipc/runtime/rpc.h"

#include <capnp/message.h>
#include <capnp/rpc.capnp.h>
#include <capnp/serialize.h>
#include <poll.h>
#include <sys/un.h>

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <optional>
#include <string>
#include <vector>

#include "tests/unit/loop_fixtures.h"
#include "tests/unit/test_echo.capnp.h"

using namespace bulkhead;
using namespace bulkhead::test;

namespace {

class EchoImpl final : public Echo::Server {
 public:
  kj::Promise<void> say(SayContext context) override {
    context.getResults().setText(context.getParams().getText());
    return kj::READY_NOW;
  }
  kj::Promise<void> child(ChildContext context) override {
    context.getResults().setEcho(kj::heap<EchoImpl>());
    return kj::READY_NOW;
  }
  kj::Promise<void> hang(HangContext context) override {
    context.allowCancellation();
    return kj::NEVER_DONE;
  }
  kj::Promise<void> fetch(FetchContext context) override {
    context.getResults().initData(context.getParams().getSize());
    return kj::READY_NOW;
  }
};

struct Temporary {
  Temporary() {
    char name[] = "/tmp/bulkhead_rpc_XXXXXX";
    if (::mkdtemp(name) == nullptr) std::abort();
    directory = name;
    path = directory + "/socket";
  }
  ~Temporary() {
    ::unlink(path.c_str());
    ::rmdir(directory.c_str());
  }
  std::string directory, path;
};

kj::AutoCloseFd listen_or_die(std::string const& path) {
  auto listener = runtime::listen_unix(path);
  if (!listener) std::abort();
  return kj::mv(*listener);
}

/// A server and whatever clients a test wants, on one loop.
struct Bench {
  explicit Bench(runtime::RpcLimits const& limits = {}) {
    auto made = runtime::ControlLoop::create(64);
    if (!made) std::abort();
    control = std::move(*made);
    server.emplace(*control, listen_or_die(place.path), kj::heap<EchoImpl>(), limits);
  }

  kj::Own<runtime::RpcClient> connect() {
    return runtime::RpcClient::connect(*control, place.path).wait(control->wait_scope());
  }
  std::string say(Echo::Client echo, char const* text) {
    auto request = echo.sayRequest();
    request.setText(text);
    auto answer = control->await(request.send().then([](auto&& a) { return kj::str(a.getText()); }));
    return answer ? std::string(answer->cStr()) : "failed: " + answer.error().message;
  }
  template <class Done>
  void until(Done done) {
    for (uint64_t end = runtime::Loop::now_ns() + kLong; !done() && runtime::Loop::now_ns() < end;)
      control->wait_for(10 * kMillisecond);
  }
  bool serves() {
    auto client = connect();
    return say(client->bootstrap().castAs<Echo>(), "are you there") == "are you there";
  }
  runtime::RpcCounters const& counters() { return server->counters(); }

  Temporary place;
  std::unique_ptr<runtime::ControlLoop> control;
  std::optional<runtime::RpcServer> server;
};

/// A client that is only a socket.
struct RawClient {
  explicit RawClient(std::string const& path) {
    sockaddr_un address{AF_UNIX, {}};
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    if (::connect(socket, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) std::abort();
  }
  void send(void const* bytes, size_t size) const {
    BOOST_TEST(::send(socket, bytes, size, MSG_NOSIGNAL) > 0);
  }
  void send(capnp::MessageBuilder& message) const {
    auto words = capnp::messageToFlatArray(message);
    send(words.begin(), words.asBytes().size());
  }

  kj::AutoCloseFd socket{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
};

void ask_bootstrap(RawClient const& client, uint32_t question) {
  capnp::MallocMessageBuilder message;
  message.initRoot<capnp::rpc::Message>().initBootstrap().setQuestionId(question);
  client.send(message);
}

void call_fetch(RawClient const& client, uint32_t question, uint32_t size) {
  capnp::MallocMessageBuilder message;
  auto call = message.initRoot<capnp::rpc::Message>().initCall();
  call.setQuestionId(question);
  call.initTarget().initPromisedAnswer().setQuestionId(0);
  call.setInterfaceId(capnp::typeId<Echo>());
  call.setMethodId(3);
  call.initParams().getContent().initAs<Echo::FetchParams>().setSize(size);
  client.send(message);
}

}  // namespace

BOOST_AUTO_TEST_CASE(two_processes_talk) {
  Temporary place;
  auto listener = listen_or_die(place.path);
  pid_t child = ::fork();
  if (child == 0) {
    auto control = runtime::ControlLoop::create(32);
    if (!control) ::_exit(1);
    runtime::RpcServer server(**control, kj::mv(listener), kj::heap<EchoImpl>());
    while (server.counters().ended == 0) (*control)->wait();  // as a packet service does
    ::_exit(server.counters().failed == 0 ? 0 : 2);
  }
  {
    auto control = runtime::ControlLoop::create(32);
    BOOST_REQUIRE(control);
    auto client = (*control)->await(runtime::RpcClient::connect(**control, place.path));
    BOOST_REQUIRE(client);
    auto echo = (*client)->bootstrap().castAs<Echo>();
    for (int i = 0; i < 1000; ++i) {
      auto request = echo.sayRequest();
      request.setText("hello");
      BOOST_REQUIRE((*control)->await(request.send().ignoreResult()));
    }
  }
  int status = -1;
  ::waitpid(child, &status, 0);
  BOOST_TEST(status == 0);
}

BOOST_AUTO_TEST_CASE(call_on_a_result_that_has_not_come_is_pipelined) {
  Bench bench;
  auto client = bench.connect();
  auto echo = client->bootstrap().castAs<Echo>();
  auto grandchild = echo.childRequest().send().getEcho().childRequest().send().getEcho();
  BOOST_TEST(bench.say(grandchild, "deep") == "deep");
}

BOOST_AUTO_TEST_CASE(many_clients_are_served_at_once) {
  Bench bench;
  std::vector<kj::Own<runtime::RpcClient>> clients;
  auto answers = kj::heapArrayBuilder<kj::Promise<bool>>(60);
  for (int i = 0; i < 60; ++i) {
    clients.push_back(bench.connect());
    auto request = clients.back()->bootstrap().castAs<Echo>().sayRequest();
    request.setText(std::to_string(i));
    answers.add(request.send().then([i](auto&& a) { return std::to_string(i) == a.getText().cStr(); }));
  }
  auto all = kj::joinPromises(answers.finish()).wait(bench.control->wait_scope());
  BOOST_TEST(std::count(all.begin(), all.end(), true) == 60);
  clients.clear();
  bench.until([&] { return bench.counters().ended == 60; });
  BOOST_TEST(bench.counters().ended == 60U);
  BOOST_TEST(bench.counters().failed == 0U);
}

BOOST_AUTO_TEST_CASE(one_client_too_many_is_refused_until_another_leaves) {
  Bench bench(runtime::RpcLimits{.clients = 2});
  auto first = bench.connect(), second = bench.connect(), third = bench.connect();
  BOOST_TEST(bench.say(first->bootstrap().castAs<Echo>(), "1") == "1");
  BOOST_TEST(bench.say(second->bootstrap().castAs<Echo>(), "2") == "2");
  BOOST_TEST(bench.say(third->bootstrap().castAs<Echo>(), "3").starts_with("failed"));
  BOOST_TEST(bench.counters().refused == 1U);
  first = nullptr;
  bench.until([&] { return bench.counters().ended == 1; });
  BOOST_TEST(bench.serves());
}

BOOST_AUTO_TEST_CASE(client_that_sends_garbage_loses_only_its_own_connection) {
  Bench bench;
  auto good = bench.connect();
  auto echo = good->bootstrap().castAs<Echo>();
  BOOST_TEST(bench.say(echo, "before") == "before");
  std::vector<std::string> garbage{
      std::string(64, '\xff'), "GET / HTTP/1.1\r\n\r\n........................",
      std::string(4, '\0') + "\x01" + std::string(3, '\0') + std::string(8, '\x77')};
  for (auto const& bytes : garbage) {
    RawClient bad(bench.place.path);
    bad.send(bytes.data(), bytes.size());
    uint64_t want = bench.counters().failed + 1;
    bench.until([&] { return bench.counters().failed == want; });
    BOOST_TEST(bench.counters().failed == want);
  }
  BOOST_TEST(bench.say(echo, "after") == "after");
}

BOOST_AUTO_TEST_CASE(random_bytes_never_stop_the_server) {
  Bench bench;
  std::srand(7);
  for (int round = 0; round < 300; ++round) {
    RawClient bad(bench.place.path);
    std::vector<uint32_t> words(2 + static_cast<size_t>(std::rand() % 64));
    for (auto& word : words) word = static_cast<uint32_t>(std::rand() % (round % 2 == 0 ? 8 : RAND_MAX));
    words[0] = 0;  // one segment of the right size, so that what is in it is looked at
    words[1] = static_cast<uint32_t>((words.size() - 2) / 2);
    bad.send(words.data(), words.size() * 4);
    uint64_t want = bench.counters().accepted + 1;
    bench.until([&] { return bench.counters().accepted == want; });
  }
  bench.until([&] { return bench.counters().ended == bench.counters().accepted; });
  BOOST_TEST(bench.counters().ended == 300U);
  BOOST_TEST(bench.serves());
}

BOOST_AUTO_TEST_CASE(message_beyond_the_limit_ends_its_connection_before_it_is_stored) {
  Bench bench(runtime::RpcLimits{.message_bytes = 64 << 10});
  RawClient bad(bench.place.path);
  std::array<uint32_t, 2> header{0, (64 << 10) / 8 + 1};
  bad.send(header.data(), sizeof header);
  bench.until([&] { return bench.counters().failed == 1; });
  BOOST_TEST(bench.counters().failed == 1U);
  BOOST_TEST(bench.serves());
}

BOOST_AUTO_TEST_CASE(client_that_vanishes_in_the_middle_of_a_call_is_forgotten) {
  Bench bench;
  {
    auto client = bench.connect();
    auto call = client->bootstrap().castAs<Echo>().hangRequest().send();
    BOOST_TEST(!call.poll(bench.control->wait_scope()));
  }
  bench.until([&] { return bench.counters().ended == 1; });
  BOOST_TEST(bench.counters().ended == 1U);
  BOOST_TEST(bench.counters().failed == 0U);
  BOOST_TEST(bench.serves());
}

BOOST_AUTO_TEST_CASE(client_that_vanishes_in_the_middle_of_a_message_is_forgotten) {
  Bench bench;
  {
    RawClient bad(bench.place.path);
    std::array<uint32_t, 4> part{0, 100, 1, 2};
    bad.send(part.data(), sizeof part);
    bench.until([&] { return bench.counters().accepted == 1; });
  }
  bench.until([&] { return bench.counters().ended == 1; });
  BOOST_TEST(bench.counters().ended == 1U);
  BOOST_TEST(bench.serves());
}

BOOST_AUTO_TEST_CASE(client_that_does_not_read_is_not_read_and_then_cut_off) {
  Bench bench(runtime::RpcLimits{.write_ns = 500 * kMillisecond});
  RawClient bad(bench.place.path);
  ask_bootstrap(bad, 0);
  auto has_room = [&] {
    pollfd room{bad.socket, POLLOUT, 0};
    return ::poll(&room, 1, 0) == 1;
  };
  constexpr uint32_t most = 3000;  // ten times what the socket holds
  uint32_t sent = 0;
  while (sent < most && has_room()) {
    call_fetch(bad, ++sent, 100'000);
    for (uint64_t end = runtime::Loop::now_ns() + 50 * kMillisecond; !has_room() && runtime::Loop::now_ns() < end;) {
      bench.control->run_ready();
    }
  }
  BOOST_TEST(sent < most);  // the socket filled up, not the server's memory
  bench.until([&] { return bench.counters().stuck == 1; });
  BOOST_TEST(bench.counters().stuck == 1U);
  BOOST_TEST(bench.counters().ended == 1U);
  BOOST_TEST(bench.serves());
}

BOOST_AUTO_TEST_CASE(large_answers_to_many_calls_at_once_all_arrive) {
  Bench bench;
  auto client = bench.connect();
  auto echo = client->bootstrap().castAs<Echo>();
  auto answers = kj::heapArrayBuilder<kj::Promise<size_t>>(100);
  for (int i = 0; i < 100; ++i) {
    auto request = echo.fetchRequest();
    request.setSize(300'000);
    answers.add(request.send().then([](auto&& a) { return a.getData().size(); }));
  }
  auto sizes = kj::joinPromises(answers.finish()).wait(bench.control->wait_scope());
  BOOST_TEST(std::count(sizes.begin(), sizes.end(), 300'000U) == 100);
}

BOOST_AUTO_TEST_CASE(server_that_goes_away_fails_the_calls_of_its_clients) {
  Bench bench;
  auto client = bench.connect();
  auto call = client->bootstrap().castAs<Echo>().hangRequest().send().ignoreResult();
  BOOST_TEST(!call.poll(bench.control->wait_scope()));
  bench.server.reset();
  BOOST_TEST(!bench.control->await(kj::mv(call)));
  client->on_disconnect().wait(bench.control->wait_scope());
}
