using System.Diagnostics;
using System.Globalization;
using EndToEnd.Lab;

namespace EndToEnd;

/// <summary>
/// Cuts and repairs the direct path between two members under traffic, and restarts a member on another port. The nodes are processes in network namespaces with
/// round-trip times of 10, 50 and 200 ms. The tests report the interruptions; LANYARD_FULL_LENGTH=1 in the environment makes twenty rounds instead of three.
/// </summary>
public sealed class FailoverTests(ITestOutputHelper output)
{
    private const int NumberA = 2;
    private const int NumberB = 3;
    private const string AddressA = "10.144.0.12";
    private const string AddressB = "10.144.0.13";

    // Every 10 ms, sends a datagram with its sending time to port 7001, and 100 bytes over a connection to port 7000.
    private const string Sender = """
        import socket, struct, sys, threading, time
        host = sys.argv[1]
        def stream():
            while True:
                # A real node's address is found up to five seconds after it has it.
                try:
                    s = socket.create_connection((host, 7000), 60)
                    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    at = 0
                    while True:
                        s.sendall(bytes((at + i) % 251 for i in range(100)))
                        at += 100
                        time.sleep(0.01)
                except OSError:
                    time.sleep(0.1)
        threading.Thread(target=stream, daemon=True).start()
        u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        u.connect((host, 7001))
        while True:
            try:
                u.send(struct.pack(">q", time.monotonic_ns()) + bytes(92))
            except OSError:
                pass
            time.sleep(0.01)
        """;

    // Writes "datagram SENT" and "stream ARRIVED", in nanoseconds of the monotonic clock, and "broken" where the stream is not what was sent.
    private const string Receiver = """
        import os, socket, struct, threading, time
        def say(text):
            os.write(1, (text + "\n").encode())
        def stream():
            s = socket.socket()
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            s.bind(("", 7000))
            s.listen()
            say("listening")
            while True:
                c = s.accept()[0]
                at = 0
                while data := c.recv(65536):
                    if data != bytes((at + i) % 251 for i in range(len(data))):
                        say("broken")
                    at += len(data)
                    say("stream %d" % time.monotonic_ns())
        threading.Thread(target=stream, daemon=True).start()
        u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        u.bind(("", 7001))
        while True:
            data = u.recvfrom(2000)[0]
            say("datagram %d" % struct.unpack(">q", data[:8]))
        """;

    // Answers datagrams with the time of their arrival.
    private const string Echo = """
        import socket, struct, time
        u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        u.bind(("127.0.0.1", 7002))
        while True:
            who = u.recvfrom(2000)[1]
            now = time.monotonic_ns()
            print("arrived %d" % now, flush=True)
            u.sendto(struct.pack(">q", now) + bytes(92), who)
        """;

    // Writes "answered ARRIVED THERE, ARRIVED HERE".
    private const string Asker = """
        import socket, struct, sys, time
        u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        u.connect((sys.argv[1], 7002))
        u.settimeout(0.05)
        while True:
            try:
                u.send(bytes(100))
                print("answered %d %d" % (struct.unpack(">q", u.recv(2000)[:8])[0], time.monotonic_ns()), flush=True)
                time.sleep(0.05)
            except OSError:
                pass
        """;

    private static readonly TimeSpan s_timeout = TimeSpan.FromMinutes(2);
    private static readonly int s_rounds = Environment.GetEnvironmentVariable("LANYARD_FULL_LENGTH") == "1" ? 20 : 3;

    public static TheoryData<int, string?> Cases => new(
        from peer in (string?[])[null, "ZEROTIER_ONE", "ZEROTIER_ONE_OLD"]
        from roundTripMs in (int[])[10, 50, 200]
        select (roundTripMs, peer));

    /// <summary>Member B is Lanyard, or the real node that an environment variable names. A real node's own failover is not asserted.</summary>
    [Theory]
    [MemberData(nameof(Cases))]
    public async Task Traffic_goes_on_by_the_root_when_its_direct_path_dies(int roundTripMs, string? peer)
    {
        await using var hosts = await Hosts.StartAsync(roundTripMs, peer);
        await hosts.StartMemberBAsync();
        var receiver = hosts.B.Start("python3", "-u", "-c", Receiver);
        await receiver.WaitForLineAsync("listening", s_timeout);
        var target = await hosts.StartMemberAAsync();
        hosts.A.Start("python3", "-u", "-c", Sender, target);
        await receiver.WaitForLineAsync("stream ", s_timeout);

        var (lost, stalls, returns) = (new List<double>(), new List<double>(), new List<double>());
        for (var round = 0; round < s_rounds; round++)
        {
            await hosts.IsDirectAsync();
            await Task.Delay(2_000 + (round * 137));
            var cut = hosts.Switch.Separate(NumberA, NumberB);
            await Task.Delay(5_000 + (10 * roundTripMs));
            var repair = hosts.Switch.Reunite();
            lost.Add(Milliseconds(cut, Times(receiver, "datagram ").Where(sent => sent > cut).DefaultIfEmpty(long.MaxValue).First()));
            var arrivals = Times(receiver, "stream ").Where(time => time > cut - (Stopwatch.Frequency / 2) && time <= repair).ToArray();
            stalls.Add(arrivals.Zip(arrivals.Skip(1)).Max(pair => Milliseconds(pair.First, pair.Second)));
            returns.Add(Milliseconds(repair, await hosts.IsDirectAsync(repair)));
        }

        Report($"RTT {roundTripMs} ms, peer {peer ?? "Lanyard"}: datagrams lost for", lost);
        Report("the stream stands still for", stalls);
        Report("direct again after", returns);
        Assert.DoesNotContain("broken", receiver.Output, StringComparison.Ordinal);

        // Other load on the machine delays some rounds, not all of them.
        Assert.InRange(lost.Min(), 0, Math.Max(500, 10 * roundTripMs));
        if (peer is null)
            Assert.InRange(stalls.Min(), 0, Math.Max(500, 10 * roundTripMs) + (4 * roundTripMs));
        Assert.InRange(returns.Min(), 0, 2_000);
    }

    /// <summary>Member B is Lanyard, or the real node that an environment variable names.</summary>
    [Theory]
    [MemberData(nameof(Cases))]
    public async Task A_member_that_returns_on_another_port_is_answered_at_once(int roundTripMs, string? peer)
    {
        await using var hosts = await Hosts.StartAsync(roundTripMs, peer);
        var echo = hosts.A.Start("python3", "-u", "-c", Echo);
        await hosts.StartMemberAAsync();
        var times = new List<double>();
        for (var round = 0; round < s_rounds; round++)
        {
            var target = await hosts.StartMemberBAsync(port: 9993 + round);
            var asker = hosts.B.Start("python3", "-u", "-c", Asker, target);
            await asker.WaitForLineAsync("answered ", s_timeout);
            if (round > 0)
            {
                var (restarted, first) = (hosts.RestartTicks, asker.Output.Split('\n').First(line => line.StartsWith("answered ", StringComparison.Ordinal)));
                var arrived = Times(echo, "arrived ").First(time => time > restarted);
                times.Add(Milliseconds(arrived, long.Parse(first.Split(' ')[2], CultureInfo.InvariantCulture)));
            }

            await hosts.IsDirectAsync(tenWithinMs: 1_000 + (10 * roundTripMs));
            await hosts.KillMemberBAsync();
            asker.Dispose();
        }

        Report($"RTT {roundTripMs} ms, {peer ?? "Lanyard"} returns: answered", times);
        Assert.InRange(times.Min(), 0, roundTripMs + 250);
    }

    private void Report(string what, List<double> times)
    {
        times.Sort();
        var line = string.Create(CultureInfo.InvariantCulture, $"{what} {times[0]:0} to {times[^1]:0} ms (median {times[times.Count / 2]:0}, {times.Count} times)");
        output.WriteLine(line);
    }

    private static IEnumerable<long> Times(RunningProcess process, string word) =>
        from line in process.Output.Split('\n')
        where line.StartsWith(word, StringComparison.Ordinal)
        select long.Parse(line.AsSpan(word.Length), CultureInfo.InvariantCulture);

    // The clock of Stopwatch is the monotonic one, in nanoseconds.
    private static double Milliseconds(long from, long to) => Stopwatch.GetElapsedTime(from, to).TotalMilliseconds;

    /// <summary>A root, member A (Lanyard) and member B.</summary>
    private sealed class Hosts : IAsyncDisposable
    {
        private readonly NamespaceLab _lab;
        private readonly string? _realBinary;
        private LabRoot _root = null!;
        private string _homeA = "";
        private string _homeB = "";
        private RunningProcess? _memberB;

        private Hosts(NamespaceLab lab, int roundTripMs, string? realBinary)
        {
            _lab = lab;
            _realBinary = realBinary;
            Switch = lab.UseDelay(TimeSpan.FromMilliseconds(roundTripMs / 2.0));
        }

        public DelayedSwitch Switch { get; }

        public LabHost A { get; private set; } = null!;

        public LabHost B { get; private set; } = null!;

        /// <summary>The time after which no packet of member B's earlier process is in flight, in ticks of <see cref="Stopwatch"/>.</summary>
        public long RestartTicks { get; private set; }

        public static async Task<Hosts> StartAsync(int roundTripMs, string? peer)
        {
            var binary = peer is null ? null : RealNode.BinaryOrSkip(peer);
            var lab = await NamespaceLab.CreateAsync("python3", "curl");
            var hosts = new Hosts(lab, roundTripMs, binary);
            hosts._root = await LabRoot.CreateAsync(lab);
            await hosts._root.StartAsync();
            hosts.A = await lab.AddHostAsync("a", NumberA);
            hosts.B = await lab.AddHostAsync("b", NumberB);
            hosts._homeA = await hosts.AddMemberAsync(hosts.A, AddressA);
            hosts._homeB = await hosts.AddMemberAsync(hosts.B, AddressB);
            return hosts;
        }

        /// <summary>Starts A, and returns where a program on its host reaches B's ports 7000 and 7001.</summary>
        public async Task<string> StartMemberAAsync()
        {
            var member = A.StartLanyard(
                "forward", "--home", _homeA, "--network", _root.Network,
                "-L", $"7000:{AddressB}:7000", "-L", $"7001:{AddressB}:7001/udp", "-R", "7002:127.0.0.1:7002/udp");
            await member.WaitForLineAsync("7002", s_timeout);
            return "127.0.0.1";
        }

        /// <summary>Starts B, on another port than before, and returns where a program on its host reaches A's port 7002.</summary>
        public async Task<string> StartMemberBAsync(int port = 9993)
        {
            if (_realBinary is null)
            {
                // Only the identity and the planet are the same, as in a container with its identity from a secret store: the port is a new one.
                var home = Directory.CreateDirectory(Path.Combine(B.Directory, $"leaf{port}")).FullName;
                foreach (var name in (string[])["identity.secret", "identity.public", "planet"])
                    File.Copy(Path.Combine(_homeB, name), Path.Combine(home, name));
                _memberB = B.StartLanyard(
                    "forward", "--home", home, "--network", _root.Network,
                    "-R", "7000:127.0.0.1:7000", "-R", "7001:127.0.0.1:7001/udp", "-L", $"7002:{AddressA}:7002/udp");
                await _memberB.WaitForLineAsync("7002", s_timeout);
                return "127.0.0.1";
            }

            var real = await RealNode.StartAsync(B, _realBinary, _homeB, port);
            _memberB = real.Process;
            await real.PostAsync($"network/{_root.Network}", "{}");
            await real.WaitForAddressesAsync(_root.Network);
            return AddressA;
        }

        public async Task KillMemberBAsync()
        {
            _memberB!.Dispose();
            await Task.Delay(300);
            RestartTicks = Stopwatch.GetTimestamp();
        }

        /// <summary>Waits for a steady flow of direct packets from A to B. Returns the time of the first one.</summary>
        public async Task<long> IsDirectAsync(long afterTicks = 0, int tenWithinMs = 300)
        {
            var since = afterTicks == 0 ? Stopwatch.GetTimestamp() : afterTicks;
            long first = 0;
            await Eventually.TrueAsync(() =>
            {
                var times = Switch.TimesOfPackets(NumberA, NumberB).Where(time => time > since).ToArray();
                for (var i = 0; i + 10 < times.Length; i++)
                {
                    if (Milliseconds(times[i], times[i + 10]) >= tenWithinMs)
                        continue;
                    first = times[i];
                    return Task.FromResult(true);
                }

                return Task.FromResult(false);
            }, "the path is direct");
            return first;
        }

        public ValueTask DisposeAsync() => _lab.DisposeAsync();

        private async Task<string> AddMemberAsync(LabHost host, string address)
        {
            var (home, node) = await _root.AddMemberAsync(host, "leaf");
            await _root.Controller.CallAsync($"controller/network/{_root.Network}/member/{node}", $$"""{"ipAssignments":["{{address}}"]}""");
            return home;
        }
    }
}
