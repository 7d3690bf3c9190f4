using Lanyard.Primitives;

namespace Lanyard.Service.Intercept;

/// <summary>A socket of a program that is bound to an address that stands for a virtual one. Under the hub's lock.</summary>
internal sealed class ProgramSocket(uint user, InterceptSocketType type, InetEndpoint near, InetEndpoint local, InterceptFlags flags, ulong network)
{
    public uint User { get; } = user;

    public InterceptSocketType Type { get; } = type;

    /// <summary>Where it is bound in the system.</summary>
    public InetEndpoint Near { get; } = near;

    /// <summary>What that stands for: of unspecified address where it is bound to all of them, none where it was never bound.</summary>
    public InetEndpoint Local { get; } = local;

    public InterceptFlags Flags { get; } = flags;

    /// <summary>Whether its datagrams are ICMP echo requests and replies.</summary>
    public bool IsEcho => (Flags & InterceptFlags.Echo) != 0;

    /// <summary>The one network that it may use; 0 for any.</summary>
    public ulong Network { get; } = network;

    public long MadeAt { get; } = Environment.TickCount64;

    /// <summary>Its latest connection that was asked for.</summary>
    public ConnectAttempt? Attempt { get; set; }

    /// <summary>Where it listens.</summary>
    public ListenGroup? Listener { get; set; }
}

/// <summary>A connection that a program asked for. Under the hub's lock.</summary>
internal sealed class ConnectAttempt(InetEndpoint far)
{
    /// <summary>The address that stands for the other end.</summary>
    public InetEndpoint Far { get; } = far;

    /// <summary>Whether it is known how it went.</summary>
    public bool IsOver { get; set; }

    /// <summary>How it went: an error number, or 0.</summary>
    public int Error { get; set; }
}

/// <summary>What the ends of a connection stand for.</summary>
internal sealed record ConnectionNames(uint User, InetEndpoint Local, InetEndpoint Remote);
