using System.Net;
using Lanyard.Primitives;

namespace Lanyard.Testing;

/// <summary>A UDP port of a simulated host, as the transport of a node.</summary>
internal sealed class SimulatedTransport : ILanyardTransport, IDatagramEndpoint
{
    private readonly SimulatedHost _host;
    private readonly ushort _port;
    private volatile ILanyardDatagramReceiver? _receiver;

    public SimulatedTransport(SimulatedHost host, ushort port)
    {
        _host = host;
        _port = port;
        LocalEndPoints = [host.EndPoint(port)];
        host.Bind(port, this);
    }

    public IReadOnlyList<IPEndPoint> LocalEndPoints { get; }

    public void Start(ILanyardDatagramReceiver receiver) => _receiver = receiver;

    public bool Send(int local, IPEndPoint remote, ReadOnlySpan<byte> datagram, int timeToLive)
    {
        _host.Internet.Send(_host, _port, InetEndpoint.FromIPEndPoint(remote), datagram, timeToLive);
        return true;
    }

    public void Receive(InetEndpoint source, ushort port, Span<byte> datagram) => _receiver?.OnReceived(0, source.ToIPEndPoint(), datagram);

    public void Dispose()
    {
        _receiver = null;
        _host.Unbind(_port);
    }
}
