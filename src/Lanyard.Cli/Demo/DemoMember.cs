using System.Diagnostics;
using System.Globalization;

namespace Lanyard.Cli.Demo;

/// <summary>The state of a process of the demo, from its events.</summary>
internal sealed class DemoMember
{
    private readonly DemoScreen _screen;
    private readonly Dictionary<string, TaskCompletionSource<string>> _firsts = [];
    private readonly List<string> _addresses = [];

    /// <summary>Starts to follow the events of a process.</summary>
    /// <param name="process">The process.</param>
    /// <param name="screen">The output.</param>
    public DemoMember(DemoProcess process, DemoScreen screen)
    {
        Process = process;
        _screen = screen;
        foreach (var kind in new[] { DemoEvent.Node, DemoEvent.Refused, DemoEvent.Address, DemoEvent.Listening, DemoEvent.Answer, DemoEvent.Done })
            _firsts[kind] = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        Following = FollowAsync();
    }

    public DemoProcess Process { get; }

    public string Name => Process.Name;

    /// <summary>Completes when the process has ended.</summary>
    public Task Following { get; }

    /// <summary>The addresses on the LAN so far.</summary>
    public IReadOnlyList<string> Addresses => _addresses;

    /// <summary>The IPv4 address, or another address if there is none.</summary>
    public string Address => _addresses.Find(address => address.Contains('.', StringComparison.Ordinal)) ?? _addresses[0];

    /// <summary>The round-trip times of the game's responses in milliseconds, and whether they came directly.</summary>
    public List<(double Ms, bool IsDirect)> Answers { get; } = [];

    /// <summary>The time from the start of the process to the game's first response.</summary>
    public TimeSpan FirstAnswer { get; private set; }

    /// <summary>Whether packets to the game last went directly.</summary>
    public bool IsDirect { get; private set; }

    /// <summary>The game's last description of its world.</summary>
    public string World { get; private set; } = "";

    /// <summary>The minimum round-trip time of a ping in milliseconds; null for none.</summary>
    public double? PingMs { get; private set; }

    /// <summary>Waits for the first event of a kind.</summary>
    /// <exception cref="CommandException">The process ended before the event.</exception>
    public Task<string> WhenAsync(string kind, CancellationToken stop) => _firsts[kind].Task.WaitAsync(stop);

    private async Task FollowAsync()
    {
        await foreach (var (reported, timestamp) in Process.Events.ReadAllAsync())
        {
            Take(reported, timestamp);
            if (_firsts.TryGetValue(reported.Kind, out var first))
                first.TrySetResult(reported.Values.Length > 0 ? reported.Values[0] : "");
        }

        await Process.ExitedAsync();
        var failure = new CommandException(ExitCode.Failed, $"{Name} ended with exit code {Process.ExitCode}. {Process.Errors}");
        foreach (var first in _firsts.Values)
        {
            first.TrySetException(failure);
            // Most events have no waiter, so observe the exceptions.
            _ = first.Task.Exception;
        }
    }

    private void Take(DemoEvent reported, long timestamp)
    {
        switch (reported)
        {
            case { Kind: DemoEvent.Node, Values: [var node] }:
                _screen.Say(Name, $"is node {node}, process {Process.Id}; requests to join");
                break;
            case { Kind: DemoEvent.Refused } when !_firsts[DemoEvent.Refused].Task.IsCompleted:
                _screen.Say(Name, "is refused because it is not authorized");
                break;
            case { Kind: DemoEvent.Address, Values: [var address] }:
                _addresses.Add(address);
                _screen.Say(Name, $"has the address {address}");
                break;
            case { Kind: DemoEvent.Listening, Values: [var port] }:
                _screen.Say(Name, $"serves HTTP with Kestrel on port {port} of the LAN");
                break;
            case { Kind: DemoEvent.Move, Values: [var caller, var move] }:
                _screen.Say(Name, $"gets a first move from node {caller}: {move}");
                break;
            case { Kind: DemoEvent.Path, Values: [var path, var endpoint] }:
                IsDirect = path == DemoEvent.Direct;
                _screen.Say(Name, IsDirect ? $"reaches the game directly, at {endpoint}" : "reaches the game through the root's relay");
                break;
            case { Kind: DemoEvent.Answer, Values: [var ms, var path, var world] }:
                TakeAnswer(double.Parse(ms, CultureInfo.InvariantCulture), path, world, timestamp);
                break;
            case { Kind: DemoEvent.Ping, Values: [var ms] }:
                PingMs = double.Parse(ms, CultureInfo.InvariantCulture);
                break;
        }
    }

    private void TakeAnswer(double ms, string path, string world, long timestamp)
    {
        if (Answers.Count == 0)
        {
            FirstAnswer = Stopwatch.GetElapsedTime(Process.StartTimestamp, timestamp);
            _screen.Say(Name, string.Create(CultureInfo.InvariantCulture, $"gets the game's first response after {ms:0.0} ms ({path}): {world}"));
        }

        Answers.Add((ms, path == DemoEvent.Direct));
        World = world;
    }
}
