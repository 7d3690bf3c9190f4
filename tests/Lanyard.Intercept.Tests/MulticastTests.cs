namespace Lanyard.Intercept.Tests;

/// <summary>Multicast groups, and addresses and interfaces other than those in socket names.</summary>
[System.Runtime.Versioning.SupportedOSPlatform("linux")]
public sealed class MulticastTests(ProgramLan lan, ProgramTable table) : IClassFixture<ProgramLan>
{
    // The ways in which programs join a group: ffmpeg binds the group's address and joins a source; GStreamer and others join before they bind.
    private const string Receiver = """
        import socket, struct, sys
        way, group, port, own, peer = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4], sys.argv[5]
        MCAST_JOIN_GROUP, MCAST_JOIN_SOURCE_GROUP = 42, 46
        def name(address):
            return struct.pack("@H2x4s120x", socket.AF_INET, socket.inet_aton(address))
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        packed, anywhere = socket.inet_aton(group), socket.inet_aton("0.0.0.0")
        if way == "join before bind":
            s.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, packed + anywhere)
        s.bind((group if "group's address" in way else "0.0.0.0", port))
        if way == "bind the group's address":
            s.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, packed + anywhere)
            assert s.getsockname() == (group, port), s.getsockname()
        elif way == "bind the group's address and join a source":
            s.setsockopt(socket.IPPROTO_IP, MCAST_JOIN_SOURCE_GROUP, struct.pack("@I4x", 0) + name(group) + name(peer))
        elif way == "join a source":
            s.setsockopt(socket.IPPROTO_IP, 39, packed + anywhere + socket.inet_aton(peer))
        elif way == "join on the own address":
            s.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, packed + socket.inet_aton(own))
        elif way == "join on the interface":
            index = [i for i, n in socket.if_nameindex() if n != "lo"][0]
            s.setsockopt(socket.IPPROTO_IP, MCAST_JOIN_GROUP, struct.pack("@I4x", index) + name(group))
        print("joined", flush=True)
        data, who = s.recvfrom(100)
        print(data.decode(), "of", who[0], flush=True)
        """;

    private const string Sender = """
        import socket, sys, time
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        for i in range(1000):
            s.sendto(b"hello", (sys.argv[1], int(sys.argv[2])))
            time.sleep(0.1)
        """;

    public static TheoryData<string, string> Ways
    {
        get
        {
            var ways = new TheoryData<string, string>();
            foreach (var way in new[] { "bind the group's address", "bind the group's address and join a source", "join before bind", "join a source", "join on the own address", "join on the interface" })
            {
                ways.Add(way, "preload");
                // Under supervision, a program's lists of interfaces are the system's.
                if (way != "join on the interface")
                    ways.Add(way, "supervise");
            }

            return ways;
        }
    }

    public static TheoryData<string> Engines => ["preload", "supervise"];

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task A_group_is_heard_however_a_program_joins_it(string way, string engine)
    {
        lan.Require("python3");
        var port = $"{5400 + Ways.Select(row => row.Data).ToList().IndexOf((way, engine))}";
        await using var receiver = lan.StartWith("b", ["--engine", engine], "python3", "-c", Receiver, way, "239.3.5.40", port, lan.Address("b"), lan.Address("a"));
        await ProgramLan.UntilAsync(() => receiver.Output.Contains("joined", StringComparison.Ordinal) || receiver.HasExited, () => receiver.Output);
        await using var sender = lan.StartWith("a", ["--engine", engine], "python3", "-c", Sender, "239.3.5.40", port);
        Assert.True(await receiver.WaitAsync() == 0, receiver.Output);
        Assert.Equal($"joined\nhello of {lan.Address("a")}\n", receiver.Output);
        if (way == "bind the group's address and join a source")
            table.Works("receiver of a group's source (the calls of ffmpeg)", "server", v6: false, engine);
    }

    [Theory]
    [MemberData(nameof(Engines))]
    public async Task Sources_that_were_not_joined_or_are_blocked_are_not_heard(string engine)
    {
        lan.Require("python3");
        var port = engine == "preload" ? 5420 : 5421;
        const string Script = """
            import socket, sys
            port, peer, own = int(sys.argv[1]), socket.inet_aton(sys.argv[2]), socket.inet_aton(sys.argv[3])
            packed, anywhere = socket.inet_aton("239.3.5.42"), socket.inet_aton("0.0.0.0")
            def heard(s):
                s.settimeout(1)
                try:
                    while s.recvfrom(100)[1][0] != sys.argv[2]:
                        pass
                    return True
                except TimeoutError:
                    return False
            def until(s, wanted):
                for i in range(60):
                    if heard(s) == wanted:
                        return wanted
                return not wanted
            s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            s.bind(("0.0.0.0", port))
            def change(option, source=b""):
                try:
                    s.setsockopt(socket.IPPROTO_IP, option, packed + anywhere + source)
                except OSError as e:
                    return e.strerror
            ADD, DROP, UNBLOCK, BLOCK, ADD_SOURCE, DROP_SOURCE = 35, 36, 37, 38, 39, 40
            print(change(ADD), until(s, True), change(ADD))
            print(change(BLOCK, peer), until(s, False), change(UNBLOCK, peer), until(s, True))
            print(change(DROP), until(s, False), change(DROP))
            print(change(ADD_SOURCE, own), heard(s), change(ADD_SOURCE, peer), until(s, True), change(DROP_SOURCE, peer), until(s, False))
            """;
        await using var sender = lan.Start("a", "python3", "-c", Sender, "239.3.5.42", $"{port}");
        await using var receiver = lan.StartWith("b", ["--engine", engine], "python3", "-c", Script, $"{port}", lan.Address("a"), lan.Address("b"));
        Assert.True(await receiver.WaitAsync() == 0, receiver.Output);
        Assert.Equal(
            "None True Address already in use\nNone False None True\nNone False Cannot assign requested address\nNone False None True None False\n", receiver.Output);
    }

    [Theory]
    [MemberData(nameof(Engines))]
    public async Task A_program_chooses_the_interface_and_does_not_hear_itself(string engine)
    {
        lan.Require("python3");
        var port = engine == "preload" ? 5430 : 5431;
        const string Script = """
            import socket, sys
            port, own = int(sys.argv[1]), socket.inet_aton(sys.argv[2])
            group = ("239.3.5.43", port)
            receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            receiver.bind(("0.0.0.0", port))
            receiver.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, socket.inet_aton(group[0]) + own)
            for early in (True, False):
                for loop in (1, 0):
                    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                    if early:
                        s.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, own)
                        s.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_LOOP, loop)
                    s.bind(("0.0.0.0", 0))
                    if not early:
                        s.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, own)
                        s.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_LOOP, loop)
                    receiver.settimeout(60 if loop else 1)
                    text = b"%d%d" % (early, loop)
                    try:
                        while True:
                            s.sendto(text, group)
                            data, who = receiver.recvfrom(100)
                            if data == text:
                                print(data, who == (sys.argv[2], s.getsockname()[1]))
                                break
                    except TimeoutError:
                        print("nothing")
            """;
        await using var program = lan.StartWith("a", ["--engine", engine], "python3", "-c", Script, $"{port}", lan.Address("a"));
        Assert.True(await program.WaitAsync() == 0, program.Output);
        Assert.Equal("b'11' True\nnothing\nb'01' True\nnothing\n", program.Output);
    }

    [Theory]
    [InlineData(false, "preload")]
    [InlineData(true, "preload")]
    [InlineData(false, "supervise")]
    [InlineData(true, "supervise")]
    public async Task Packet_information_speaks_of_the_LAN_both_ways(bool v6, string engine)
    {
        lan.Require("python3");
        var port = (v6 ? 5440 : 5442) + (engine == "preload" ? 0 : 1);
        const string Server = """
            import ipaddress, socket, struct, sys
            port, v6 = int(sys.argv[1]), ":" in sys.argv[2]
            s = socket.socket(socket.AF_INET6 if v6 else socket.AF_INET, socket.SOCK_DGRAM)
            s.setsockopt(*((socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO) if v6 else (socket.IPPROTO_IP, 8)), 1)
            s.bind(("::" if v6 else "0.0.0.0", port))
            print("bound", flush=True)
            while True:
                data, control, flags, who = s.recvmsg(100, 500)
                (level, kind, value), = control
                if v6:
                    address, index = ipaddress.ip_address(value[:16]), struct.unpack("@I", value[16:])[0]
                    own = address
                    back = value[:16] + struct.pack("@I", 0)
                else:
                    index, own, address = struct.unpack("@I", value[:4])[0], ipaddress.ip_address(value[4:8]), ipaddress.ip_address(value[8:12])
                    back = struct.pack("@I", 0) + value[4:8] + bytes(4)
                try:
                    name = socket.if_indextoname(index)
                except OSError:
                    name = "-"
                s.sendmsg([("%s %s %d %s" % (address, own, index >= 0x100000, name)).encode()], [(level, kind, back)], 0, who)
            """;
        const string Client = """
            import socket, sys
            s = socket.socket(socket.AF_INET6 if ":" in sys.argv[2] else socket.AF_INET, socket.SOCK_DGRAM)
            s.settimeout(1)
            for i in range(60):
                s.sendto(b"where", (sys.argv[2], int(sys.argv[1])))
                try:
                    data, who = s.recvfrom(100)
                except TimeoutError:
                    continue
                print(data.decode(), who[0])
                break
            """;
        await using var server = lan.StartWith("b", ["--engine", engine], "python3", "-c", Server, $"{port}", lan.Address("b", v6));
        await ProgramLan.UntilAsync(() => server.Output.Contains("bound", StringComparison.Ordinal) || server.HasExited, () => server.Output);
        var (code, output) = await lan.RunAsync("a", "python3", "-c", Client, $"{port}", lan.Address("b", v6));
        var name = engine == "preload" ? "ly" + lan.Network[^12..] : "-";
        Assert.Equal($"{lan.Address("b", v6)} {lan.Address("b", v6)} 1 {name} {lan.Address("b", v6)}\n", output);
        Assert.Equal(0, code);
    }

    [Theory]
    [MemberData(nameof(Engines))]
    public async Task A_socket_on_an_address_of_the_system_is_in_the_systems_groups(string engine)
    {
        lan.Require("python3");
        const string Script = """
            import socket
            s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            s.bind(("127.0.0.1", 0))
            s.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, socket.inet_aton("239.3.5.44") + socket.inet_aton("127.0.0.1"))
            print("2C0503EF" in open("/proc/net/igmp").read())
            """;
        await using var program = lan.StartWith("a", ["--engine", engine], "python3", "-c", Script);
        Assert.True(await program.WaitAsync() == 0, program.Output);
        Assert.Equal("True\n", program.Output);
    }

    [Fact]
    public async Task Lists_of_interfaces_and_addresses_are_those_of_the_LAN()
    {
        lan.Require("gcc");
        var program = Path.Combine(lan.Folder, "interfaces");
        await using (var build = ProgramProcess.Start(lan.Folder, ProgramProcess.Find("gcc")!, "-o", program, Path.Combine(AppContext.BaseDirectory, "interfaces.c")))
            Assert.True(await build.WaitAsync() == 0, build.Output);
        var (code, output) = await lan.RunAsync("a", program);
        Assert.True(code == 0, output);
        var name = "ly" + lan.Network[^12..];
        foreach (var call in new[] { "getifaddrs", "netlink", "sized", "SIOCGIFCONF" })
        {
            var addresses = output.Split('\n').Where(line => line.StartsWith(call + ' ', StringComparison.Ordinal) && !line.Contains(" lo ", StringComparison.Ordinal)).ToArray();
            string[] expected = call == "SIOCGIFCONF" ? [$"{call} {name} {lan.Address("a")}/16"] : [$"{call} {name} {lan.Address("a")}/16", $"{call} {name} {lan.Address("a", v6: true)}/88"];
            Assert.Equal(expected.Order(StringComparer.Ordinal), addresses.Order(StringComparer.Ordinal));
            Assert.Contains($"{call} lo 127.0.0.1/8", output, StringComparison.Ordinal);
        }

        Assert.Contains($"names lo {name}\n", output, StringComparison.Ordinal);
        Assert.Contains($"{name} is {name}, up, Ethernet", output, StringComparison.Ordinal);
        // With ports on both networks, programs see both.
        await using var both = lan.StartWith("a", ["--listen", "both"], program);
        Assert.True(await both.WaitAsync() == 0, both.Output);
        Assert.Contains($"getifaddrs {name} {lan.Address("a")}/16", both.Output, StringComparison.Ordinal);
        await using var host = lan.StartWith("a", ["--listen", "host"], program);
        Assert.True(await host.WaitAsync() == 0, host.Output);
        Assert.DoesNotContain(name, host.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_program_that_takes_IPv4_addresses_alone_finds_members_by_name()
    {
        lan.Require("python3");
        await using var server = await lan.ServeAsync(5450, "python3", "-m", "http.server", "5450", "--bind", "::", "--directory", lan.Folder);
        const string Script = """
            import socket, sys
            name, port = sys.argv[1], int(sys.argv[2])
            address = socket.gethostbyname(name)
            print(socket.inet_aton(address)[0], socket.gethostbyname(name) == address, socket.gethostbyname_ex(name)[2] == [address])
            print(socket.getaddrinfo(name, port, socket.AF_INET, socket.SOCK_STREAM)[0][4] == (address, port))
            s = socket.create_connection((address, port), 20)
            s.sendall(b"GET / HTTP/1.0\r\n\r\n")
            print(s.recv(8), s.getpeername() == (address, port))
            """;
        var (code, output) = await lan.RunAsync("a", "python3", "-c", Script, lan.Node("b"), "5450");
        Assert.Equal((0, "127 True True\nTrue\nb'HTTP/1.0' True\n"), (code, output));
        await using var echo = lan.Start("b", "python3", "-c", """
            import socket
            s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
            s.bind(("::", 5451))
            print("bound", flush=True)
            while True:
                data, who = s.recvfrom(100)
                s.sendto(data, who)
            """);
        await ProgramLan.UntilAsync(() => echo.Output.Contains("bound", StringComparison.Ordinal) || echo.HasExited, () => echo.Output);
        const string Ask = """
            import socket, sys
            to = (socket.gethostbyname(sys.argv[1]), 5451)
            s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            s.settimeout(1)
            for i in range(60):
                s.sendto(b"hello", to)
                try:
                    data, who = s.recvfrom(100)
                except TimeoutError:
                    continue
                print(data, who == to)
                break
            """;
        Assert.Equal((0, "b'hello' True\n"), await lan.RunAsync("a", "python3", "-c", Ask, lan.Node("b")));
    }
}
