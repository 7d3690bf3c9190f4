using System.Net.Sockets;
using System.Text;
using Lanyard.Intercept.Hub;
using Lanyard.Intercept.Linux;
using Lanyard.NetStack;

namespace Lanyard.Intercept.Tests;

/// <summary>Options of TCP sockets on a virtual connection, with both engines. Writes the table of docs/programs.md.</summary>
[System.Runtime.Versioning.SupportedOSPlatform("linux")]
public sealed class OptionTests(ProgramLan lan) : IClassFixture<ProgramLan>
{
    private const string Refused = "refused (ENOPROTOOPT)";

    // The level, number and value of an option, and its expected effect.
    private static readonly (string Name, int Level, int Option, string Value, string Acts)[] s_options =
    [
        ("SO_KEEPALIVE", 1, 9, "1", "end to end"),
        ("TCP_KEEPIDLE, TCP_KEEPINTVL, TCP_KEEPCNT", 6, 4, "60", "end to end"),
        ("TCP_USER_TIMEOUT", 6, 18, "60000", "end to end"),
        ("TCP_CONGESTION (cubic, reno, bbr)", 6, 13, "'reno'", "end to end"),
        ("TCP_CONGESTION (others)", 6, 13, "'vegas'", "refused (ENOENT)"),
        ("IP_TTL, IPV6_UNICAST_HOPS", 0, 2, "33", "end to end"),
        ("IP_TOS, IPV6_TCLASS", 0, 1, "16", "end to end"),
        ("SO_LINGER with time 0", 1, 13, "(1, 0)", "end to end: closing resets"),
        ("SO_LINGER with a time", 1, 13, "(1, 5)", "closing waits for the service, which sends what it has"),
        ("TCP_NODELAY, TCP_CORK", 6, 1, "1", "end to end: what the program's kernel gathers, the service sends at once"),
        ("SO_SNDBUF, SO_RCVBUF, TCP_WINDOW_CLAMP", 1, 8, "65536", "end to end: a full socket closes the window"),
        ("TCP_QUICKACK, TCP_NOTSENT_LOWAT, TCP_FASTOPEN", 6, 12, "1", "no effect on what the other end gets"),
        ("SO_SNDTIMEO, SO_RCVTIMEO, SO_RCVLOWAT", 1, 18, "1", "end to end"),
        ("TCP_SYNCNT, TCP_DEFER_ACCEPT", 6, 7, "4", "end to end: by the program's kernel"),
        ("TCP_MAXSEG", 6, 2, "1000", Refused + "; before connecting: end to end"),
        ("TCP_MD5SIG, TCP_AO_ADD_KEY", 6, 14, "bytes(216)", Refused),
        ("IP_MINTTL, IPV6_MINHOPCOUNT", 0, 21, "255", Refused),
        ("IP_OPTIONS, IPV6_RTHDR, IPV6_HOPOPTS, IPV6_DSTOPTS", 0, 4, "bytes(4)", Refused),
    ];

    [Theory]
    [InlineData("preload")]
    [InlineData("supervise")]
    public async Task Each_option_acts_end_to_end_or_is_refused_as_documented(string engine)
    {
        lan.Require("python3");
        var rows = string.Join(", ", s_options.Select(option => $"({option.Level}, {option.Option}, {option.Value})"));
        var script = $$"""
            import errno, socket, struct, sys
            s = socket.create_connection((sys.argv[1], 8720), 20)
            for level, option, value in [{{rows}}]:
                value = value.encode() if isinstance(value, str) else struct.pack("ii", *value) if isinstance(value, tuple) else value
                try:
                    s.setsockopt(level, option, value)
                    print("set")
                except OSError as e:
                    print(errno.errorcode[e.errno])
            """;
        await using var server = await lan.ServeAsync(8720, "python3", "-m", "http.server", "8720");
        await using var client = lan.StartWith("a", ["--engine", engine], "python3", "-c", script, lan.Address("b"));
        Assert.True(await client.WaitAsync() == 0, client.Output);
        var results = client.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        var table = new StringBuilder("| option | on a virtual connection |\n|---|---|\n");
        foreach (var ((name, _, _, _, acts), result) in s_options.Zip(results))
        {
            Assert.Equal((name, acts.StartsWith("refused", StringComparison.Ordinal) ? acts[9..acts.IndexOf(')', StringComparison.Ordinal)] : "set"), (name, result));
            table.Append($"| {name} | {acts} |\n");
        }

        Assert.Equal(s_options.Length, results.Length);
        DocumentTable.Write("options", table.ToString());
    }

    [Fact]
    public void The_virtual_connection_gets_the_options_of_the_programs_socket()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Programs are redirected on Linux only.");
        using var socket = new Socket(AddressFamily.InterNetworkV6, SocketType.Stream, ProtocolType.Tcp);
        using var descriptor = new SocketDescriptor(Libc.Flags((int)socket.Handle, Libc.DuplicateFrom, 0));
        var usual = new TcpOptions();
        var unasked = ProgramSocketOptions.Read(descriptor, isOpening: true).Of(usual, AddressFamily.InterNetwork);
        Assert.Equal(TimeSpan.FromMinutes(15), unasked.KeepAliveIdle + (unasked.KeepAliveInterval * unasked.KeepAliveProbes));
        Assert.Equal((TimeSpan.Zero, 64, 0, 0), (unasked.UserTimeout, unasked.HopLimit, unasked.TrafficClass, unasked.MaxSegmentBytes));

        (int Level, int Option, int Value)[] set = [(1, 9, 1), (6, 4, 40), (6, 5, 3), (6, 6, 5), (6, 18, 20_000), (6, 2, 1_000), (0, 2, 33), (0, 1, 16), (41, 16, 44), (41, 67, 32)];
        foreach (var (level, option, value) in set)
            descriptor.SetOption(level, option, value);
        Assert.Equal(0, descriptor.SetOption(6, 13, "reno"u8));
        var options = ProgramSocketOptions.Read(descriptor, isOpening: true);
        var (v4, v6) = (options.Of(usual, AddressFamily.InterNetwork), options.Of(usual, AddressFamily.InterNetworkV6));
        Assert.Equal((33, 16, 44, 32), (v4.HopLimit, v4.TrafficClass, v6.HopLimit, v6.TrafficClass));
        Assert.Equal((CongestionAlgorithm.Reno, 1_000), (v4.Congestion, v4.MaxSegmentBytes));
        // The probe of the peer precedes the probe of the program's kernel, and the virtual connection lasts until the program's kernel gives up.
        Assert.Equal(TimeSpan.FromSeconds(35), v4.KeepAliveIdle);
        Assert.True(v4.KeepAliveIdle + (v4.KeepAliveInterval * v4.KeepAliveProbes) >= TimeSpan.FromSeconds(40 + (3 * 5)));
        Assert.True(v4.UserTimeout > TimeSpan.FromSeconds(20));
    }
}
