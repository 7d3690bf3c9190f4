using Lanyard.Primitives;

namespace Lanyard.Proxies;

/// <summary>Where a client wants to go.</summary>
internal readonly record struct ProxyDestination
{
    /// <summary>Creates a destination. Accepts every written form of an address: see <see cref="HostNames"/>.</summary>
    public ProxyDestination(string name, InetAddress address, ushort port)
    {
        if (HostNames.TryParseAddress(name, out var written))
            (name, address) = ("", written);
        (Name, Address, Port) = (name, address.Unmapped, port);
    }

    public ProxyDestination(InetEndpoint endpoint)
        : this("", endpoint.Address, endpoint.Port)
    {
    }

    /// <summary>The host name; empty if <see cref="Address"/> is set.</summary>
    public string Name { get; }

    /// <summary>The address; none if the destination is a name.</summary>
    public InetAddress Address { get; }

    /// <summary>The port.</summary>
    public ushort Port { get; }

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
