using Lanyard.Primitives;

namespace Lanyard.Testing;

/// <summary>A place on a <see cref="SimulatedInternet"/> with an address: a host, or a NAT.</summary>
public abstract class SimulatedPlace
{
    private protected SimulatedPlace(InetAddress address) => Address = address;

    /// <summary>The IP address. That of a host behind a NAT is private.</summary>
    public InetAddress Address { get; }

    /// <summary>The place with a public address: the NAT of a host behind one, otherwise the place itself.</summary>
    public abstract SimulatedPlace Edge { get; }
}
