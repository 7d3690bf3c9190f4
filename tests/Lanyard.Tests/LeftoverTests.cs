using System.Net;
using System.Net.Sockets;
using Lanyard.Testing;
using Lanyard.Tests.Shared;

namespace Lanyard.Tests;

/// <summary>Tests that measure the whole process. They run alone.</summary>
[CollectionDefinition(nameof(Alone), DisableParallelization = true)]
public sealed class Alone;

[Collection(nameof(Alone))]
public sealed class LeftoverTests
{
    [Fact]
    public async Task Ended_nodes_leak_nothing()
    {
        await OneLifeAsync();
        var before = Count();
        for (var i = 0; i < 5; i++)
            await OneLifeAsync();

        // A thread that was joined is for a moment still on the system's list.
        var after = Count();
        for (var i = 0; i < 250 && (after.Threads > before.Threads || after.Sockets > before.Sockets); i++)
        {
            await Task.Delay(20, TestContext.Current.CancellationToken);
            after = Count();
        }

        Assert.True(after.Threads <= before.Threads && after.Sockets <= before.Sockets, $"before {before}, after {after}");

        static (int Threads, int Sockets) Count() => (LanyardThreads(), UdpSockets());

        static async Task OneLifeAsync()
        {
            await using var pair = await Pair.StartAsync();
            var (a, b) = await pair.ConnectAsync();
            await a.WriteAsync(new byte[100_000], TestLan.Guard);
            await b.ReadExactlyAsync(new byte[100_000], TestLan.Guard);
        }
    }

    [Fact]
    public async Task A_node_that_ends_while_identities_wait_to_be_checked_leaves_nothing_running()
    {
        var strangers = new SimulatedInternet(seed: 1);
        using var socket = new UdpClient(new IPEndPoint(IPAddress.Loopback, 0));
        await using (var lan = await TestLan.StartAsync())
        {
            // Each check takes milliseconds: some still wait when the node ends.
            var root = lan.Root.BoundEndPoints[0];
            for (var i = 0; i < 16; i++)
                socket.Send(PacketForge.Hello(strangers.CreateIdentity(), TestIdentities.Get(0), DateTimeOffset.UtcNow.ToUnixTimeMilliseconds(), lan.Planet), root);
        }

        await Task.Delay(500, TestContext.Current.CancellationToken);
        var before = ThreadPool.CompletedWorkItemCount;
        await Task.Delay(500, TestContext.Current.CancellationToken);
        Assert.InRange(ThreadPool.CompletedWorkItemCount - before, 0, 10_000);
    }

    // By name where the system keeps names: other tests' pool threads come and go.
    private static int LanyardThreads()
    {
        if (!OperatingSystem.IsLinux())
            return 0;
        return Directory.GetDirectories($"/proc/{Environment.ProcessId}/task")
            .Count(task => ReadName(task).StartsWith("Lanyard ", StringComparison.Ordinal));
    }

    private static string ReadName(string task)
    {
        try
        {
            return File.ReadAllText(System.IO.Path.Combine(task, "comm"));
        }
        catch (IOException)
        {
            return ""; // The thread has ended meanwhile.
        }
    }

    private static int UdpSockets() => OperatingSystem.IsLinux()
        ? new DirectoryInfo($"/proc/{Environment.ProcessId}/fd").GetFiles().Count(f => f.LinkTarget?.StartsWith("socket:",
            StringComparison.Ordinal) == true)
        : 0;
}
