using Lanyard.Primitives;

namespace Lanyard;

/// <summary>Where a client wants to go.</summary>
/// <param name="Name">A name, or an address as text; empty where <paramref name="Address"/> says it.</param>
/// <param name="Address">The address; none where it is a name.</param>
/// <param name="Port">The port.</param>
internal readonly record struct ProxyDestination(string Name, InetAddress Address, ushort Port)
{
    public ProxyDestination(InetEndpoint endpoint)
        : this("", endpoint.Address, endpoint.Port)
    {
    }

    public override string ToString() => Name.Length == 0 ? new InetEndpoint(Address, Port).ToString() : $"{Name}:{Port}";
}

/// <summary>Why a client cannot have what it wants.</summary>
internal enum ProxyFailure
{
    /// <summary>Something else: limits, a network that was left.</summary>
    General,

    /// <summary>The destination is not on a virtual network, and others are refused.</summary>
    NotAllowed,

    /// <summary>The name means nothing.</summary>
    UnknownName,

    /// <summary>No network leads there.</summary>
    NetworkUnreachable,

    /// <summary>Nobody answers for the address.</summary>
    HostUnreachable,

    /// <summary>Nothing listens there.</summary>
    Refused,

    /// <summary>No answer in time.</summary>
    TimedOut,
}

/// <summary>A client cannot have what it wants. The message is for its user.</summary>
internal sealed class ProxyException(ProxyFailure failure, string message, Exception? cause = null) : IOException(message, cause)
{
    public ProxyFailure Failure { get; } = failure;
}
