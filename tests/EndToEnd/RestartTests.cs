using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text.Json;
using EndToEnd.Lab;
using Lanyard;
using Lanyard.Cli.Tests;
using Lanyard.Engine.Networks;
using Lanyard.Primitives;
using Lanyard.Wire;

namespace EndToEnd;

/// <summary>A root and controller, a process of its own, that is killed and started again while its members send: real sockets on the loopback interface.</summary>
[Collection(nameof(Alone))]
public sealed class RestartTests(ITestOutputHelper output) : IDisposable
{
    private const int Members = 200;
    private static readonly TimeSpan s_timeout = TimeSpan.FromMinutes(2);

    private readonly string _home = Directory.CreateTempSubdirectory("lanyard-restart-").FullName;
    private readonly HttpClient _api = new();
    private readonly int _port = FreePort.Find();

    public void Dispose()
    {
        _api.Dispose();
        Directory.Delete(_home, recursive: true);
    }

    [Fact]
    public async Task A_killed_root_and_controller_hears_its_two_hundred_members_again_and_none_misses_a_configuration()
    {
        var root = Identity.Generate(RandomNumberGenerator.Fill);
        using var key = WorldKey.Generate(RandomNumberGenerator.Fill);
        var planet = World.Create(
            WorldType.Planet, 0x1234, 1, key.PublicKey, [new WorldRoot(root.WithoutSecret(), [InetEndpoint.Parse($"127.0.0.1:{_port}")])], key);
        await File.WriteAllTextAsync(Path.Combine(_home, "identity.secret"), root.ToSecretString());
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(Path.Combine(_home, "identity.secret"), UnixFileMode.UserRead | UnixFileMode.UserWrite);
        await File.WriteAllBytesAsync(Path.Combine(_home, "planet"), planet.ToArray());
        var network = NetworkId.Create(root.Address, 1);
        var service = await StartServiceAsync();
        await PostAsync($"controller/network/{network}", new
        {
            name = "first",
            v4AssignMode = new { zt = true },
            routes = new[] { new { target = "10.77.0.0/16" } },
            ipAssignmentPools = new[] { new { ipRangeStart = "10.77.1.1", ipRangeEnd = "10.77.200.200" } },
        });

        var identities = new ConcurrentBag<Identity>();
        Parallel.For(0, Members, _ => identities.Add(Identity.Generate(RandomNumberGenerator.Fill)));
        var members = new List<LanyardNetwork>();
        using var stopping = new CancellationTokenSource();
        Task? load = null;
        try
        {
            foreach (var identity in identities)
            {
                await PostAsync($"controller/network/{network}/member/{identity.Address}", new { authorized = true });
                var node = await LanyardNode.StartAsync(new LanyardOptions { Identity = identity, Planet = planet, BindAddresses = [IPAddress.Loopback] });
                members.Add(await node.JoinAsync(network));
            }

            await Eventually.TrueAsync(async () => await CountHeardAsync(0) == Members, "the root has heard all members");
            load = Task.Run(() => SendAsync(members, stopping.Token));
            await Task.Delay(2_000);

            service.Dispose();
            var (killed, killedMs) = (Stopwatch.GetTimestamp(), DateTimeOffset.UtcNow.ToUnixTimeMilliseconds());
            service = await StartServiceAsync();
            var started = Stopwatch.GetElapsedTime(killed);
            await PostAsync($"controller/network/{network}", new { name = "second" });
            var mostSent = 0.0;
            var (sent, sentAt) = (0L, killed);
            await Eventually.TrueAsync(async () =>
            {
                var (now, at) = (await CountSentAsync(), Stopwatch.GetTimestamp());
                mostSent = Math.Max(mostSent, (now - sent) / Stopwatch.GetElapsedTime(sentAt, at).TotalSeconds);
                (sent, sentAt) = (now, at);
                return await CountHeardAsync(killedMs) == Members;
            }, "the root has heard all members again");
            var heard = Stopwatch.GetElapsedTime(killed);
            await Eventually.TrueAsync(() => Task.FromResult(members.TrueForAll(member => member.Name == "second")), "all members have the new configuration");
            output.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{Members} members: {started.TotalSeconds:0.0} s after the kill the root serves again, after {heard.TotalSeconds:0.0} s it has heard all, after {Stopwatch.GetElapsedTime(killed).TotalSeconds:0.0} s all have the configuration changed meanwhile; the root sent at most {mostSent:0} datagrams a second"));
            Assert.All(members, member => Assert.Equal(LanyardNetworkStatus.Ok, member.Status));
            Assert.InRange(mostSent, 1, 20_000);
        }
        finally
        {
            await stopping.CancelAsync();
            if (load is not null)
                await load;
            await Task.WhenAll(members.Select(member => member.Node.DisposeAsync().AsTask()));
            service.Dispose();
        }
    }

    // Each member sends 200 bytes to the next one ten times a second.
    private static async Task SendAsync(List<LanyardNetwork> members, CancellationToken cancellationToken)
    {
        var sockets = members.ConvertAll(member => member.OpenUdp());
        while (!cancellationToken.IsCancellationRequested)
        {
            for (var i = 0; i < members.Count; i++)
                sockets[i].SendTo(new byte[200], new InetEndpoint(InetAddress.FromIPAddress(members[(i + 1) % members.Count].IPv4Address!), 9));
            await Task.Delay(100, CancellationToken.None);
        }

        foreach (var socket in sockets)
            socket.Dispose();
    }

    private async Task<RunningProcess> StartServiceAsync()
    {
        var service = new RunningProcess("dotnet", LanyardCommand.Line("service", "--home", _home, "--port", $"{_port}", "--controller").Skip(1));
        await service.WaitForLineAsync("API at", s_timeout);
        _api.DefaultRequestHeaders.Remove("X-ZT1-Auth");
        _api.DefaultRequestHeaders.Add("X-ZT1-Auth", await File.ReadAllTextAsync(Path.Combine(_home, "authtoken.secret")));
        return service;
    }

    private async Task PostAsync(string path, object body)
    {
        using var response = await _api.PostAsJsonAsync(Url(path), body);
        Assert.True(response.IsSuccessStatusCode, await response.Content.ReadAsStringAsync());
    }

    private async Task<int> CountHeardAsync(long sinceMs)
    {
        using var peers = JsonDocument.Parse(await _api.GetStringAsync(Url("peer")));
        return peers.RootElement.EnumerateArray().Count(peer =>
            peer.GetProperty("role").GetString() == "LEAF" && peer.GetProperty("paths").EnumerateArray().Any(path => path.GetProperty("lastReceive").GetInt64() > sinceMs));
    }

    private async Task<long> CountSentAsync()
    {
        const string name = "lanyard_datagrams_total{direction=\"tx\"} ";
        var line = (await _api.GetStringAsync(Url("metrics"))).Split('\n').First(line => line.StartsWith(name, StringComparison.Ordinal));
        return (long)double.Parse(line.AsSpan(name.Length), CultureInfo.InvariantCulture);
    }

    private Uri Url(string path) => new(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{_port}/{path}"));
}
