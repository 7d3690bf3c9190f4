using System.Net;
using Lanyard.Primitives;

namespace Lanyard.Tests;

/// <summary>Two members of a LAN, and streams between them.</summary>
internal sealed class Pair(TestLan lan, LanyardNetwork a, LanyardNetwork b) : IAsyncDisposable
{
    public TestLan Lan { get; } = lan;

    public LanyardNetwork A { get; } = a;

    public LanyardNetwork B { get; } = b;

    public static async Task<Pair> StartAsync()
    {
        var lan = await TestLan.StartAsync();
        return new Pair(lan, await lan.JoinAsync(1), await lan.JoinAsync(2));
    }

    /// <summary>A stream from A to B, and its other end.</summary>
    public async Task<(LanyardStream AtA, LanyardStream AtB)> ConnectAsync(bool overIPv6 = false)
    {
        using var listener = B.Listen(0);
        var accepting = listener.AcceptAsync(TestLan.Guard);
        var address = overIPv6 ? B.IPv6Address! : B.IPv4Address!;
        var atA = await A.ConnectAsync(new IPEndPoint(address, listener.LocalEndPoint.Port), TestLan.Guard);
        return (atA, await accepting);
    }

    public static InetAddress Address(LanyardNetwork network) => InetAddress.FromIPAddress(network.IPv4Address!);

    public ValueTask DisposeAsync() => Lan.DisposeAsync();
}
