using Lanyard.Primitives;

namespace Lanyard.NetStack.Tests;

/// <summary>Two hosts joined by a virtual link in virtual time. Everything follows from the seed.</summary>
internal sealed class Pair
{
    public static readonly MacAddress MacA = new(0x02_00_00_00_00_0a);
    public static readonly MacAddress MacB = new(0x02_00_00_00_00_0b);
    public static readonly InetAddress A4 = InetAddress.Parse("10.1.0.1");
    public static readonly InetAddress B4 = InetAddress.Parse("10.1.0.2");
    public static readonly InetAddress A6 = InetAddress.Parse("fd00::1");
    public static readonly InetAddress B6 = InetAddress.Parse("fd00::2");

    private const int MaxStepsAtOneTime = 1_000_000;

    private int _stepsAtOneTime;

    /// <summary>How many frames one host is given in one batch.</summary>
    public int BatchFrames { get; set; } = 64;

    public Pair(LinkOptions? link = null, int seed = 1, Func<NetworkHostOptions, NetworkHostOptions>? configure = null,
        LinkOptions? back = null,
        Func<NetworkHostOptions, NetworkHostOptions>? configureB = null, long start = 1_000_000_000)
    {
        Now = start;
        link ??= new LinkOptions();
        AtoB = new VirtualLink(link, (seed * 2) + 1, () => Now, MacA);
        BtoA = new VirtualLink(back ?? link, (seed * 2) + 2, () => Now, MacB);
        configure ??= options => options;
        configureB ??= configure;
        A = new NetworkHost(configure(Options(MacA, seed, 0xa, new InetPrefix(A4, 24), new InetPrefix(A6, 64))), AtoB);
        B = new NetworkHost(configureB(Options(MacB, seed, 0xb, new InetPrefix(B4, 24), new InetPrefix(B6, 64))), BtoA);
    }

    public long Now { get; private set; }

    public NetworkHost A { get; }

    public NetworkHost B { get; }

    public VirtualLink AtoB { get; }

    public VirtualLink BtoA { get; }

    public static NetworkHostOptions Options(MacAddress mac, int seed, byte salt, params InetPrefix[] addresses)
    {
        var secret = new byte[16];
        BitConverter.TryWriteBytes(secret, seed);
        secret[15] = salt;
        return new NetworkHostOptions { Mac = mac, Secret = secret, Addresses = addresses };
    }

    /// <summary>Advances until a condition holds or so much virtual time has passed; returns whether it holds.</summary>
    public bool RunUntil(Func<bool> condition, long microseconds = 60_000_000)
    {
        var end = Now + microseconds;
        while (!condition())
        {
            if (!Step(end))
                return condition();
        }

        return true;
    }

    /// <summary>Advances by virtual time.</summary>
    public void Run(long microseconds)
    {
        var end = Now + microseconds;
        while (Step(end))
        {
        }
    }

    /// <summary>Does what comes next, if it comes before a time; else advances to that time and returns false.</summary>
    /// <exception cref="InvalidOperationException">The hosts never finish what they do at one time.</exception>
    public bool Step(long end)
    {
        var next = Math.Min(Math.Min(AtoB.NextArrival, BtoA.NextArrival), Math.Min(A.NextDeadline, B.NextDeadline));
        if (next > end || next == long.MaxValue)
        {
            Now = end == long.MaxValue ? Now : Math.Max(Now, end);
            return false;
        }

        _stepsAtOneTime = next > Now ? 0 : _stepsAtOneTime + 1;
        if (_stepsAtOneTime > MaxStepsAtOneTime)
            throw new InvalidOperationException($"Virtual time stands still at {Now}: host A is due at {A.NextDeadline}, host B at {B.NextDeadline}.");
        Now = Math.Max(Now, next);
        if (AtoB.NextArrival <= Now)
            Deliver(AtoB, B);
        if (BtoA.NextArrival <= Now)
            Deliver(BtoA, A);
        if (A.NextDeadline <= Now)
            A.Poll(Now);
        if (B.NextDeadline <= Now)
            B.Poll(Now);
        return true;
    }

    private void Deliver(VirtualLink link, NetworkHost host)
    {
        host.BeginBatch(Now);
        for (var i = 0; i < BatchFrames && link.TryTake(Now, out var frame); i++)
        {
            host.Receive(Now, frame.Source, frame.Destination, frame.EtherType, frame.Packet);
            link.Recycle(frame);
        }

        host.EndBatch(Now);
    }
}
