using System.Net;
using System.Net.Sockets;
using System.Text;
using Lanyard.Intercept.Hub;
using Lanyard.Primitives;

namespace Lanyard.Intercept.Tests;

/// <summary>UDP sockets of programs on the LAN and the system's network.</summary>
[System.Runtime.Versioning.SupportedOSPlatform("linux")]
public sealed class DatagramTests(ProgramLan lan) : IClassFixture<ProgramLan>
{
    // Answers each datagram with its payload and its sender.
    private const string Echo = """
        import socket, sys
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        s.bind(("0.0.0.0", int(sys.argv[1])))
        print("bound", flush=True)
        while True:
            data, who = s.recvfrom(2000)
            s.sendto(data + b" " + str(who[1]).encode(), who)
        """;

    // Sends until the addressed peer answers: datagrams may be lost, and answers may be late.
    private const string Ask = """
        import ctypes, os, select, socket, struct, subprocess, sys, time
        def ask(s, to, of=None):
            for i in range(200):
                s.sendto(b"hello", to) if to else s.send(b"hello")
                end = time.monotonic() + 0.5
                while (left := end - time.monotonic()) > 0:
                    s.settimeout(left)
                    try:
                        data, who = s.recvfrom(2000)
                    except TimeoutError:
                        break
                    if who[:2] == (of or to or who)[:2]:
                        return data, who
            raise SystemExit("no answer")

        """;

    public static TheoryData<string> Engines => ["preload", "supervise"];

    [Theory]
    [MemberData(nameof(Engines))]
    public async Task A_bound_socket_and_one_that_spoke_to_the_LAN_reach_the_systems_network(string engine)
    {
        lan.Require("python3");
        using var host = new HostEcho(IPAddress.Loopback);
        await using var echo = await ServeAsync(5301);
        var script = Ask + $"""
            here, there = ("127.0.0.1", {host.Port}), ("{lan.Address("b")}", 5301)
            bound = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            bound.bind(("0.0.0.0", 5302))
            print(*ask(bound, here), *ask(bound, there), *ask(bound, here))
            client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            print(ask(client, there)[1], ask(client, here)[1], ask(client, there)[0] == b"hello %d" % client.getsockname()[1])
            wide = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
            wide.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
            wide.bind(("::", 5303))
            print(ask(wide, ("::ffff:127.0.0.1", {host.Port}))[1][0])
            # Connected to the system's network, the socket is still the one that was registered.
            poll = select.epoll()
            poll.register(bound, select.EPOLLIN)
            bound.connect(here)
            bound.send(b"again")
            print(len(poll.poll(60)), end=" ")
            bound.settimeout(60)
            while (data := bound.recv(100)) != b"again":
                pass
            print(data, bound.getpeername() == here, bound.getsockname()[0])
            """;
        var output = await ExpectAsync(engine, script);
        Assert.Equal(
            $"b'hello' ('127.0.0.1', {host.Port}) b'hello 5302' ('{lan.Address("b")}', 5301) b'hello' ('127.0.0.1', {host.Port})\n"
            + $"('{lan.Address("b")}', 5301) ('127.0.0.1', {host.Port}) True\n::ffff:127.0.0.1\n1 b'again' True 127.0.0.1\n",
            output);
    }

    [Theory]
    [MemberData(nameof(Engines))]
    public async Task The_name_of_a_socket_on_port_0_has_the_port_that_peers_see(string engine)
    {
        lan.Require("python3");
        await using var echo = await ServeAsync(5311);
        var script = Ask + $"""
            there = ("{lan.Address("b")}", 5311)
            s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            s.bind(("0.0.0.0", 0))
            before = s.getsockname()[1]
            print(ask(s, there)[0] == b"hello %d" % before, s.getsockname()[1] == before)
            late = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            late.connect(there)
            print(ask(late, None)[0] == b"hello %d" % late.getsockname()[1])
            """;
        Assert.Equal("True True\nTrue\n", await ExpectAsync(engine, script));
        // A port is open on the LAN even if the socket has never sent a datagram.
        await using var server = lan.StartWith("b", ["--engine", engine], "python3", "-c", """
            import socket
            s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            s.bind(("0.0.0.0", 0))
            print(s.getsockname()[1], flush=True)
            while True:
                data, who = s.recvfrom(100)
                s.sendto(data, who)
            """);
        await ProgramLan.UntilAsync(() => server.Output.EndsWith('\n') || server.HasExited, () => server.Output);
        Assert.Equal("(b'hello'\n", await ExpectAsync(engine, Ask + $"print(str(ask(socket.socket(type=socket.SOCK_DGRAM), ('{lan.Address("b")}', {server.Output.Trim()}))).split(',')[0])"));
    }

    [Theory]
    [MemberData(nameof(Engines))]
    public async Task A_socket_whose_connection_ended_hears_everybody_again(string engine)
    {
        lan.Require("python3");
        await using var first = await ServeAsync(5321);
        await using var second = await ServeAsync(5322);
        var script = Ask + $"""
            one, two = ("{lan.Address("b")}", 5321), ("{lan.Address("b")}", 5322)
            libc = ctypes.CDLL(None, use_errno=True)
            def end(s):
                assert libc.connect(s.fileno(), struct.pack("@H14x", 0), 16) == 0, ctypes.get_errno()
            for address in [("0.0.0.0", 5323), None]:
                s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                if address:
                    s.bind(address)
                s.connect(one)
                print(ask(s, None, one)[1] == one, end=" ")
                end(s)
                print(ask(s, two)[1] == two, end=" ")
                s.connect(one)
                s.connect(two)
                print(ask(s, None, two)[1] == two, end=" ")
                end(s)
                print(ask(s, one)[1] == one)
                s.close()
            """;
        Assert.Equal("True True True True\nTrue True True True\n", await ExpectAsync(engine, script));
    }

    [Theory]
    [MemberData(nameof(Engines))]
    public async Task Workers_that_share_a_port_share_its_senders(string engine)
    {
        lan.Require("python3");
        await using var server = lan.StartWith("b", ["--engine", engine], "python3", "-c", """
            import select, socket
            workers = []
            for i in range(4):
                s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
                s.bind(("0.0.0.0", 5331))
                workers.append(s)
            print("bound", flush=True)
            while True:
                for s in select.select(workers, [], [])[0]:
                    data, who = s.recvfrom(100)
                    s.sendto(b"%d" % workers.index(s), who)
            """);
        await ProgramLan.UntilAsync(() => server.Output.Contains("bound", StringComparison.Ordinal) || server.HasExited, () => server.Output);
        var script = Ask + $"""
            there = ("{lan.Address("b")}", 5331)
            sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for i in range(40)]
            first, again = [ask(s, there)[0] for s in sockets], [ask(s, there)[0] for s in sockets]
            print(len(set(first)) > 1, first == again)
            """;
        Assert.Equal("True True\n", await ExpectAsync(engine, script));
    }

    [Theory]
    [MemberData(nameof(Engines))]
    public async Task A_port_on_both_networks_is_reached_from_both_and_can_be_had_again_at_once(string engine)
    {
        lan.Require("python3");
        await using var server = lan.StartWith("b", ["--engine", engine, "--listen", "both"], "python3", "-c", """
            import socket
            for round in range(3):
                listener = socket.socket()
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                listener.bind(("0.0.0.0", 5341))
                listener.listen()
                s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                s.bind(("0.0.0.0", 5341))
                if round < 2:
                    listener.close()
                    s.close()
            print("bound", flush=True)
            while True:
                data, who = s.recvfrom(100)
                s.sendto(data + b" " + who[0].encode(), who)
            """);
        await ProgramLan.UntilAsync(() => server.Output.Contains('\n', StringComparison.Ordinal) || server.HasExited, () => server.Output);
        Assert.Equal("bound\n", server.Output);
        Assert.Equal($"hello {lan.Address("a")}\n", await ExpectAsync("preload", Ask + $"print(ask(socket.socket(type=socket.SOCK_DGRAM), ('{lan.Address("b")}', 5341))[0].decode())"));
        Assert.Equal("hello 127.0.0.1\n", await ExpectAsync("preload", Ask + "print(ask(socket.socket(type=socket.SOCK_DGRAM), ('127.0.0.1', 5341))[0].decode())"));
    }

    [Fact]
    public async Task A_connected_socket_works_on_with_the_next_service()
    {
        lan.Require("python3");
        await using var echo = await ServeAsync(5351);
        await using var client = lan.Start("a", "python3", "-c", Ask + $"""
            s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            s.connect(("{lan.Address("b")}", 5351))
            print(ask(s, None)[0].split()[0].decode(), flush=True)
            time.sleep(3)
            print("ready", flush=True)
            sys.stdin.readline()
            while s.recv(100, socket.MSG_DONTWAIT) if select.select([s], [], [], 0)[0] else False:
                pass
            print(ask(s, None)[0].split()[0].decode(), flush=True)
            """);
        await ProgramLan.UntilAsync(() => client.Output.Contains("ready", StringComparison.Ordinal) || client.HasExited, () => client.Output);
        await lan.Service("a").SignalAsync("KILL");
        await lan.Service("a").WaitAsync();
        await lan.StartServiceAsync("a", "--port", "0");
        await lan.JoinAsync("a");
        await client.FeedAsync("\n");
        Assert.True(await client.WaitAsync() == 0, client.Output);
        Assert.Equal("hello\nready\nhello\n", client.Output);
    }

    [Theory]
    [InlineData("recvfrom")]
    [InlineData("recvmsg")]
    [InlineData("recvmmsg")]
    [InlineData("accept")]
    public async Task A_thread_that_waits_in_a_call_can_be_canceled(string call)
    {
        lan.Require("gcc");
        var program = Path.Combine(lan.Folder, "cancel");
        if (!File.Exists(program))
        {
            await using var build = ProgramProcess.Start(lan.Folder, ProgramProcess.Find("gcc")!, "-pthread", "-o", program, Path.Combine(AppContext.BaseDirectory, "cancel.c"));
            Assert.True(await build.WaitAsync() == 0, build.Output);
        }

        Assert.Equal((0, "canceled\n"), await lan.RunAsync("a", program, call));
    }

    [Fact]
    public async Task The_address_of_a_closed_socket_is_reserved_until_the_service_has_forgotten_it()
    {
        lan.Require("python3");
        const string Script = """
            import os, socket, struct, time
            def alias_of(s):
                near = [l.split()[1] for l in open("/proc/net/udp") if l.split()[9] == str(os.fstat(s.fileno()).st_ino)][0].split(":")
                return socket.inet_ntoa(struct.pack("<I", int(near[0], 16))), int(near[1], 16)
            def can_bind(address, option):
                t = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                if option:
                    t.setsockopt(socket.SOL_SOCKET, option, 1)
                try:
                    t.bind(address)
                    return True
                except OSError as e:
                    assert e.strerror == "Address already in use", e
                    return False
                finally:
                    t.close()
            taken = 0
            for i in range(20):
                s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                s.bind(("0.0.0.0", 5360 + i))
                address = alias_of(s)
                assert address[0].startswith("127."), address
                assert not any(can_bind(address, option) for option in (0, socket.SO_REUSEADDR, socket.SO_REUSEPORT))
                s.close()
                taken += any(can_bind(address, option) for option in (0, socket.SO_REUSEADDR, socket.SO_REUSEPORT))
            print("taken", taken)
            end = time.monotonic() + 60
            while not can_bind(address, 0):
                assert time.monotonic() < end
                time.sleep(0.1)
            print("forgotten")
            """;
        // The service may forget one of the sockets while the test checks it.
        var (code, output) = await lan.RunAsync("a", "python3", "-c", Script);
        Assert.True(code == 0 && output is "taken 0\nforgotten\n" or "taken 1\nforgotten\n", output);
    }

    [Fact]
    public void The_peer_of_a_connected_socket_is_not_forgotten()
    {
        var fars = new DatagramFars(new LoopbackAliases());
        var (connected, idle) = (fars.Take(new FarKey(1, InetEndpoint.Parse("10.0.0.1:1")))!, fars.Take(new FarKey(1, InetEndpoint.Parse("10.0.0.2:1")))!);
        fars.Sweep(long.MaxValue, [connected.Address]);
        Assert.True(fars.TryFind(connected.Address, out _));
        Assert.False(fars.TryFind(idle.Address, out _));
    }

    private async Task<ProgramProcess> ServeAsync(int port)
    {
        var echo = lan.Start("b", "python3", "-c", Echo, $"{port}");
        await ProgramLan.UntilAsync(() => echo.Output.Contains("bound", StringComparison.Ordinal) || echo.HasExited, () => echo.Output);
        return echo;
    }

    private async Task<string> ExpectAsync(string engine, string script)
    {
        await using var program = lan.StartWith("a", ["--engine", engine], "python3", "-c", script);
        Assert.True(await program.WaitAsync() == 0, program.Output);
        return program.Output;
    }

    /// <summary>A UDP echo server on the system's network.</summary>
    private sealed class HostEcho : IDisposable
    {
        private readonly UdpClient _socket;

        public HostEcho(IPAddress address)
        {
            _socket = new UdpClient(new IPEndPoint(address, 0));
            _ = ServeAsync();
        }

        public int Port => ((IPEndPoint)_socket.Client.LocalEndPoint!).Port;

        public void Dispose() => _socket.Dispose();

        private async Task ServeAsync()
        {
            try
            {
                while (true)
                {
                    var datagram = await _socket.ReceiveAsync();
                    // Senders on the system's network never have a loopback alias address.
                    var isAlias = datagram.RemoteEndPoint.Address.GetAddressBytes() is [127, >= 64, ..];
                    await _socket.SendAsync(isAlias ? Encoding.ASCII.GetBytes("alias") : datagram.Buffer, datagram.RemoteEndPoint);
                }
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                // The test has ended.
            }
        }
    }
}
