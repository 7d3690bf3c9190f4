using Lanyard.Primitives;

namespace Lanyard.Proxies;

/// <summary>The destination of a client's request.</summary>
internal readonly record struct ProxyDestination
{
    /// <summary>Creates a destination. Accepts all forms of an address: see <see cref="HostNames"/>.</summary>
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

/// <summary>The reason why a client's request failed.</summary>
internal enum ProxyFailure
{
    /// <summary>Another reason: limits, or a network that was left.</summary>
    General,

    /// <summary>The destination is not on a virtual network, and other destinations are refused.</summary>
    NotAllowed,

    /// <summary>The name does not exist.</summary>
    UnknownName,

    /// <summary>No network has a route to the address.</summary>
    NetworkUnreachable,

    /// <summary>No host answers for the address.</summary>
    HostUnreachable,

    /// <summary>No program listens on the port.</summary>
    Refused,

    /// <summary>No answer in time.</summary>
    TimedOut,
}

/// <summary>A client's request failed. The message is for the client's user.</summary>
internal sealed class ProxyException(ProxyFailure failure, string message, Exception? cause = null) : IOException(message, cause)
{
    public ProxyFailure Failure { get; } = failure;
}
