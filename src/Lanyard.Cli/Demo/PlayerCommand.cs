using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using Lanyard.Engine;
using Lanyard.Wire;

namespace Lanyard.Cli.Demo;

/// <summary>A player of the demo's game: an application that sends requests with <see cref="HttpClient"/>.</summary>
internal static class PlayerCommand
{
    /// <summary>The name of the command.</summary>
    public const string Name = "demo-player";

    private const int MinPolls = 20;
    private const int PollsPerMove = 5;
    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(50);

    /// <summary>The maximum time until the player has a direct path to the game and sees another player.</summary>
    private static readonly TimeSpan PlayTimeLimit = TimeSpan.FromSeconds(15);

    public static Command Create()
    {
        var name = new Option<string>("--name") { Required = true };
        var game = new Option<string>("--game") { Required = true };
        var node = new Option<string>("--node") { Required = true };
        var once = new Option<bool>("--once");
        return DemoApp.CreateCommand(Name, "Run a player of the demo", [name, game, node, once], async (app, result, stop) =>
        {
            var player = new Player(
                app, result.GetRequiredValue(name), result.GetRequiredValue(game), NodeAddress.Parse(result.GetRequiredValue(node)), result.InvocationConfiguration.Output);
            await player.PlayAsync(result.GetValue(once), stop);
        });
    }

    private sealed class Player(DemoApp app, string name, string game, NodeAddress gameNode, TextWriter output)
    {
        private bool? _reportedDirect;
        private string _world = "";

        public async Task PlayAsync(bool once, CancellationToken stop)
        {
            using var http = new HttpClient(app.Network.CreateHttpHandler()) { BaseAddress = new Uri($"http://{game}") };
            app.Node.PeerChanged += (_, change) => TellPath();
            var start = Stopwatch.GetTimestamp();
            for (var poll = 1; ; poll++)
            {
                await PollAsync(http, stop);
                var hasSeenAll = _reportedDirect == true && _world.Contains(GameCommand.Separator, StringComparison.Ordinal);
                if (once || (poll >= MinPolls && (hasSeenAll || Stopwatch.GetElapsedTime(start) > PlayTimeLimit)))
                    break;
                if (poll % PollsPerMove == 1)
                    await MoveAsync(http, poll, stop);
                await Task.Delay(PollInterval, stop);
            }

            if (!once)
                await PingAsync(stop);
            new DemoEvent(DemoEvent.Done).Write(output);
            await Task.Delay(Timeout.Infinite, stop);
        }

        private async Task PollAsync(HttpClient http, CancellationToken stop)
        {
            var start = Stopwatch.GetTimestamp();
            _world = await http.GetStringAsync(new Uri("/world", UriKind.Relative), stop);
            var elapsed = Stopwatch.GetElapsedTime(start);
            TellPath();
            new DemoEvent(DemoEvent.Answer, Milliseconds(elapsed), IsDirect() ? DemoEvent.Direct : DemoEvent.Relayed, _world).Write(output);
        }

        private async Task MoveAsync(HttpClient http, int poll, CancellationToken stop)
        {
            using var move = new StringContent(string.Create(CultureInfo.InvariantCulture, $"{name} at {poll % 7}:{poll % 11}"));
            using var response = await http.PostAsync(new Uri("/move", UriKind.Relative), move, stop);
            response.EnsureSuccessStatusCode();
        }

        private async Task PingAsync(CancellationToken stop)
        {
            if (!app.Network.TryResolve(game, out var address))
                return;
            var best = TimeSpan.MaxValue;
            for (var i = 0; i < 5; i++)
            {
                var reply = await app.Network.PingAsync(address.ToIPAddress(), cancellationToken: stop);
                if (reply.IsSuccess && reply.RoundTrip < best)
                    best = reply.RoundTrip;
            }

            if (best != TimeSpan.MaxValue)
                new DemoEvent(DemoEvent.Ping, Milliseconds(best)).Write(output);
        }

        /// <summary>Reports each change of the path to the game's node.</summary>
        private void TellPath()
        {
            if (app.Node.FindPeer(gameNode) is not { } peer)
                return;
            lock (output)
            {
                if (_reportedDirect == peer.IsDirect)
                    return;
                _reportedDirect = peer.IsDirect;
            }

            var path = peer.Paths.FirstOrDefault(path => path.IsPreferred);
            new DemoEvent(DemoEvent.Path, peer.IsDirect ? DemoEvent.Direct : DemoEvent.Relayed, path?.EndPoint.ToString() ?? "").Write(output);
        }

        private bool IsDirect() => app.Node.FindPeer(gameNode) is { IsDirect: true };

        private static string Milliseconds(TimeSpan time) => time.TotalMilliseconds.ToString("0.00", CultureInfo.InvariantCulture);
    }
}
