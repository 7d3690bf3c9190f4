using System.Net;
using Lanyard.Primitives;

namespace Lanyard.AspNetCore;

/// <summary>A TCP port on a virtual network, for Kestrel to listen on.</summary>
public sealed class LanyardEndPoint : EndPoint
{
    /// <summary>Creates an endpoint: a port of this node's addresses on a network.</summary>
    /// <param name="port">The port; 0 selects a free port.</param>
    /// <param name="network">The network; null for the network that <see cref="LanyardServiceCollectionExtensions.AddLanyard"/> joins.</param>
    /// <param name="address">One of this node's addresses; the default value for all addresses.</param>
    /// <exception cref="ArgumentOutOfRangeException">The port is not 0 to 65,535.</exception>
    public LanyardEndPoint(int port, LanyardNetwork? network = null, InetAddress address = default)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(port);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(port, ushort.MaxValue);
        Port = port;
        Network = network;
        Address = address;
    }

    /// <summary>The port; once bound, the selected port.</summary>
    public int Port { get; }

    /// <summary>The network; null for the network that <see cref="LanyardServiceCollectionExtensions.AddLanyard"/> joins.</summary>
    public LanyardNetwork? Network { get; }

    /// <summary>The address; the default value for all of this node's addresses.</summary>
    public InetAddress Address { get; }

    /// <summary>
    /// The network, if it is known, and the port, as a Kestrel address: <c>http://lanyard:80</c> or <c>http://NETWORK:80</c>.
    /// </summary>
    public override string ToString() => $"{Network?.Id.ToString() ?? "lanyard"}:{Port}";
}
