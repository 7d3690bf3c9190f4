using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Lanyard.Cli.Daemon;
using Lanyard.Cli.Identities;
using Lanyard.Primitives;
using Lanyard.Wire;

namespace Lanyard.Cli.Demo;

/// <summary>A run of the demo, from an empty folder to the checks.</summary>
internal sealed class DemoRun(DemoScreen screen, string folder, bool hasDeadline) : IAsyncDisposable
{
    private const string GameAddress = "10.77.0.1";
    private const int Restarts = 3;
    private static readonly TimeSpan FirstAnswerLimit = TimeSpan.FromSeconds(1);
    // Members send credentials to a node at most once a second, so a node that returns too soon would have to wait.
    private static readonly TimeSpan PauseBeforeRestart = TimeSpan.FromSeconds(1.1);
    private static readonly TimeSpan ApiPollInterval = TimeSpan.FromMilliseconds(20);

    private static readonly string[] Names = ["root", "game", "alice", "bob", "stranger"];

    private readonly List<DemoProcess> _processes = [];
    private readonly Dictionary<string, DemoMember> _members = [];
    private NetworkId _network;
    private bool _holds = true;

    /// <summary>The last lines of the processes' standard error.</summary>
    public IEnumerable<(string Name, string Errors)> Errors => _processes.Select(process => (process.Name, process.Errors)).Where(one => one.Errors.Length > 0);

    /// <summary>Runs the demo.</summary>
    /// <returns>Whether all checks passed.</returns>
    public async Task<bool> RunAsync(CancellationToken stop)
    {
        screen.Note($"A game on a private LAN, between processes of the user {Environment.UserName}. Their state is in {folder} and is deleted at the end.");

        screen.Section("A root and a network controller");
        await MakeIdentitiesAsync(stop);
        using var api = await StartRootAsync(stop);
        await CreateNetworkAsync(api, stop);

        screen.Section("The game, two players, and a stranger");
        var gameNode = NodeOf("game");
        var game = Start("game", GameCommand.Name);
        var alice = Start("alice", PlayerCommand.Name, "--name", "alice", "--game", $"{gameNode}.{_network}", "--node", gameNode);
        var bob = Start("bob", PlayerCommand.Name, "--name", "bob", "--game", GameAddress, "--node", gameNode);
        var stranger = Start("stranger", PlayerCommand.Name, "--name", "stranger", "--game", GameAddress, "--node", gameNode);
        await AdmitAsync(api, game, GameAddress, stop);
        await game.WhenAsync(DemoEvent.Listening, stop);
        await Task.WhenAll(AdmitAsync(api, alice, "10.77.0.11", stop), AdmitAsync(api, bob, "10.77.0.12", stop));
        await Task.WhenAll(alice.WhenAsync(DemoEvent.Done, stop), bob.WhenAsync(DemoEvent.Done, stop), stranger.WhenAsync(DemoEvent.Refused, stop));
        ShowPlay(alice, bob);

        screen.Section("A returning player");
        var firstAnswers = await RestartAsync(alice, gameNode, stop);

        screen.Section("Checks");
        ClaimProcesses(game);
        await ClaimPrivacyAsync(api, stranger, stop);
        ClaimPlay(alice, bob);
        ClaimFirstAnswer(firstAnswers);
        return _holds;
    }

    public async ValueTask DisposeAsync()
    {
        // The root last, so that the other nodes can notify their peers.
        foreach (var process in Enumerable.Reverse(_processes))
            await process.DisposeAsync();
        await Task.WhenAll(_members.Values.Select(member => member.Following));
    }

    /// <summary>Creates an identity for each folder, in parallel, because that takes most of the time of a first start.</summary>
    private Task MakeIdentitiesAsync(CancellationToken stop)
    {
        screen.Say("all", "creates an identity: a key pair whose address takes a moment to compute");
        return Task.WhenAll(Names.Select(name => Task.Run(
            () =>
            {
                using var identity = Identity.Generate(RandomNumberGenerator.Fill, cancellation: stop);
                Files.Create(SecretFile(name), Encoding.ASCII.GetBytes(identity.ToSecretString()), secret: true);
            },
            stop)));
    }

    private async Task<LocalApiClient> StartRootAsync(CancellationToken stop)
    {
        var home = Home("root");
        var port = FindFreePort();
        using var identity = IdentityCommand.Read(SecretFile("root"));
        using var key = WorldKey.Generate(RandomNumberGenerator.Fill);
        var endpoint = new InetEndpoint(InetAddress.FromIPAddress(IPAddress.Loopback), (ushort)port);
        var planet = World.Create(WorldType.Planet, identity.Address.Value, 1, key.PublicKey, [new WorldRoot(identity.WithoutSecret(), [endpoint])], key);
        Files.Create(Path.Combine(folder, "planet"), planet.ToArray(), secret: false);
        screen.Say("root", $"is {identity.Address}; a planet file makes it the root, at {endpoint}");
        var process = DemoProcess.Start(
            "root", "service", "--home", home, "--planet", Path.Combine(folder, "planet"), "--port", $"{port}", "--controller", "--until-stdin-ends");
        _processes.Add(process);
        while (true)
        {
            if (process.ExitCode is { } code)
                throw new CommandException(ExitCode.Failed, $"The root ended with exit code {code}. {process.Errors}");
            if (await TryReachAsync(home, stop) is { } api)
            {
                screen.Say("root", $"is up, process {process.Id}: root, relay and controller, with its API at 127.0.0.1:{port}");
                return api;
            }

            await Task.Delay(ApiPollInterval, stop);
        }
    }

    private static async Task<LocalApiClient?> TryReachAsync(string home, CancellationToken stop)
    {
        LocalApiClient? api = null;
        try
        {
            api = new LocalApiClient(home);
            await api.GetAsync("/controller", stop);
            return api;
        }
        catch (CommandException)
        {
            api?.Dispose();
            return null;
        }
    }

    private async Task CreateNetworkAsync(LocalApiClient api, CancellationToken stop)
    {
        const string Settings = """
            {
              "name": "arena",
              "private": true,
              "v4AssignMode": { "zt": true },
              "v6AssignMode": { "rfc4193": true },
              "routes": [ { "target": "10.77.0.0/24" } ],
              "ipAssignmentPools": [ { "ipRangeStart": "10.77.0.10", "ipRangeEnd": "10.77.0.250" } ]
            }
            """;
        var network = await api.PostAsync("/controller/network", Settings, stop);
        _network = NetworkId.Parse(network.Text("id"));
        screen.Say("operator", $"creates the private network {_network}, named arena, 10.77.0.0/24 and IPv6");
    }

    private DemoMember Start(string name, string command, params string[] args)
    {
        var home = Home(name);
        if (!File.Exists(Path.Combine(home, "planet")))
            File.Copy(Path.Combine(folder, "planet"), Path.Combine(home, "planet"));
        var process = DemoProcess.Start(name, [command, "--home", home, "--network", _network.ToString(), .. args]);
        _processes.Add(process);
        return _members[name] = new DemoMember(process, screen);
    }

    /// <summary>Waits for a node's request, authorizes the node, and waits until it has an address.</summary>
    private async Task AdmitAsync(LocalApiClient api, DemoMember member, string address, CancellationToken stop)
    {
        var node = await member.WhenAsync(DemoEvent.Node, stop);
        await member.WhenAsync(DemoEvent.Refused, stop);
        screen.Say("operator", $"authorizes {member.Name}, node {node}");
        await api.PostAsync($"/controller/network/{_network}/member/{node}", $$"""{ "authorized": true, "ipAssignments": [ "{{address}}" ] }""", stop);
        await member.WhenAsync(DemoEvent.Address, stop);
    }

    private async Task<List<TimeSpan>> RestartAsync(DemoMember player, string gameNode, CancellationToken stop)
    {
        await player.Process.DisposeAsync();
        var times = new List<TimeSpan>();
        for (var i = 0; i < Restarts; i++)
        {
            await Task.Delay(PauseBeforeRestart, stop);
            var home = Home(player.Name);
            await using var process = DemoProcess.Start(
                player.Name, PlayerCommand.Name, "--home", home, "--network", _network.ToString(), "--name", player.Name, "--game", GameAddress, "--node", gameNode, "--once");
            var (nodeAfter, addressAfter) = (TimeSpan.Zero, TimeSpan.Zero);
            while (times.Count == i)
            {
                var (reported, timestamp) = await ReadAsync(process, stop);
                var after = Stopwatch.GetElapsedTime(process.StartTimestamp, timestamp);
                if (reported.Kind == DemoEvent.Node)
                    nodeAfter = after;
                else if (reported.Kind == DemoEvent.Address)
                    addressAfter = after;
                else if (reported.Kind == DemoEvent.Answer)
                    times.Add(after);
            }

            screen.Say(player.Name, string.Create(CultureInfo.InvariantCulture,
                $"gets a response of the game {times[i].TotalMilliseconds:0} ms after the start of its process (its node {nodeAfter.TotalMilliseconds:0} ms, its address {addressAfter.TotalMilliseconds:0} ms)"));
        }

        return times;
    }

    private static async Task<(DemoEvent Told, long Timestamp)> ReadAsync(DemoProcess process, CancellationToken stop)
    {
        if (await process.Events.WaitToReadAsync(stop) && process.Events.TryRead(out var next))
            return next;
        await process.ExitedAsync();
        throw new CommandException(ExitCode.Failed, $"{process.Name} ended with exit code {process.ExitCode}. {process.Errors}");
    }

    private void ShowPlay(params DemoMember[] players)
    {
        static string Ms(double? time) => string.Create(CultureInfo.InvariantCulture, $"{time:0.00} ms");
        screen.Table(
            ["player", "address", "responses", "first after", "fastest after", "ping", "sees"],
            players.Select(player => new[]
            {
                player.Name,
                player.Address,
                $"{player.Answers.Count}",
                Ms(player.Answers[0].Ms),
                Ms(player.Answers.Min(answer => answer.Ms)),
                Ms(player.PingMs),
                player.World,
            }));
    }

    private void ClaimProcesses(DemoMember game)
    {
        if (!ProcessInspector.IsSupported)
        {
            screen.Note("Checking the open files of processes needs Linux.");
            return;
        }

        var running = _processes.Where(process => process.ExitCode is null).ToArray();
        var tunnels = running.SelectMany(process => ProcessInspector.FindTunnels(process.Id)).ToArray();
        Claim(tunnels.Length == 0, $"None of the processes {string.Join(", ", running.Select(process => process.Id))} has a TUN or TAP device open.");
        var ports = ProcessInspector.FindTcpListeners(game.Process.Id);
        Claim(ports.Count == 0, ports.Count == 0
            ? $"The game, process {game.Process.Id}, listens on no TCP port of this machine; it is reachable on the LAN only."
            : $"The game listens on TCP port {string.Join(", ", ports)} of this machine.");
    }

    private async Task ClaimPrivacyAsync(LocalApiClient api, DemoMember stranger, CancellationToken stop)
    {
        var node = await stranger.WhenAsync(DemoEvent.Node, stop);
        var network = await api.GetAsync($"/controller/network/{_network}", stop);
        var member = await api.GetAsync($"/controller/network/{_network}/member/{node}", stop);
        Claim(
            network.Flag("private") && !member.Flag("authorized") && stranger.Addresses.Count == 0 && stranger.Answers.Count == 0,
            $"The network is private: the stranger {node} was refused, and has no address and no response.");
    }

    private void ClaimPlay(DemoMember alice, DemoMember bob)
    {
        Claim(
            alice.World.Contains("bob", StringComparison.Ordinal) && bob.World.Contains("alice", StringComparison.Ordinal),
            "Each player sees the other player's moves.");
        Claim(alice.IsDirect && bob.IsDirect, "Both players reach the game directly at the end, without the root.");
    }

    private void ClaimFirstAnswer(List<TimeSpan> times)
    {
        var slowest = times.Max();
        var text = string.Create(CultureInfo.InvariantCulture,
            $"A returning player got its first response {slowest.TotalMilliseconds:0} ms after the start of its process (slowest of {times.Count}; limit {FirstAnswerLimit.TotalMilliseconds:0} ms).");
        if (hasDeadline)
            Claim(slowest < FirstAnswerLimit, text);
        else
            screen.Note(text);
    }

    private void Claim(bool holds, string text)
    {
        _holds &= holds;
        screen.Claim(holds, text);
    }

    private string NodeOf(string name)
    {
        using var identity = IdentityCommand.Read(SecretFile(name));
        return identity.Address.ToString();
    }

    private string SecretFile(string name) => Path.Combine(Home(name), "identity.secret");

    private string Home(string name) => Directory.CreateDirectory(Path.Combine(folder, name)).FullName;

    /// <summary>Returns a port that is free for UDP and TCP.</summary>
    private static int FindFreePort()
    {
        while (true)
        {
            using var tcp = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            tcp.Bind(new IPEndPoint(IPAddress.Loopback, 0));
            var port = ((IPEndPoint)tcp.LocalEndPoint!).Port;
            using var udp = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
            try
            {
                udp.Bind(new IPEndPoint(IPAddress.Any, port));
                return port;
            }
            catch (SocketException)
            {
                // In use for UDP; try the next port.
            }
        }
    }
}
