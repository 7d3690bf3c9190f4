using System.Collections.Concurrent;
using System.CommandLine;
using Lanyard.AspNetCore;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Lanyard.Cli.Demo;

/// <summary>The demo's game: a web application that Kestrel serves on the LAN only.</summary>
internal static class GameCommand
{
    /// <summary>The name of the command.</summary>
    public const string Name = "demo-game";

    /// <summary>The game's TCP port on the LAN.</summary>
    public const int Port = 80;

    /// <summary>The separator of players in the game's description of its world.</summary>
    public const string Separator = ", ";

    private const int MaxMoveChars = 64;

    public static Command Create() => DemoApp.CreateCommand(Name, "Run the game server of the demo", [], RunAsync);

    private static async Task RunAsync(DemoApp app, ParseResult result, CancellationToken stop)
    {
        var output = result.InvocationConfiguration.Output;
        var players = new ConcurrentDictionary<string, string>();
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseLanyard(app.Network, Port);
        await using var web = builder.Build();
        web.MapGet("/world", (RequestDelegate)(context => context.Response.WriteAsync(Describe(players), context.RequestAborted)));
        web.MapPost("/move", (RequestDelegate)(async context =>
        {
            // The caller is known without a login, because the protocol authenticates the node address.
            var caller = context.GetLanyardCaller()?.ToString() ?? "a device behind a bridge";
            using var reader = new StreamReader(context.Request.Body);
            var move = new char[MaxMoveChars];
            var length = await reader.ReadBlockAsync(move, context.RequestAborted);
            if (!players.ContainsKey(caller))
                new DemoEvent(DemoEvent.Move, caller, new string(move, 0, length)).Write(output);
            players[caller] = new string(move, 0, length);
            context.Response.StatusCode = StatusCodes.Status204NoContent;
        }));
        await web.StartAsync(stop);
        new DemoEvent(DemoEvent.Listening, $"{Port}").Write(output);
        await Task.Delay(Timeout.Infinite, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await web.StopAsync(CancellationToken.None);
    }

    private static string Describe(ConcurrentDictionary<string, string> players) =>
        players.IsEmpty ? "an empty world" : string.Join(Separator, players.OrderBy(player => player.Value).Select(player => player.Value));
}
