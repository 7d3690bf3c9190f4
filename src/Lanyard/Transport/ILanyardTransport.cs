using System.Net;

namespace Lanyard;

/// <summary>
/// Carries a node's datagrams in place of the UDP sockets of this machine: a simulated internet, or a medium of the application's own. One transport belongs to one node.
/// Set it with <see cref="LanyardOptions.Transport"/>.
/// </summary>
/// <remarks>
/// <para>Datagrams may get lost, arrive more than once and out of order, as over UDP. They are up to <see cref="LanyardOptions.PhysicalMtu"/> bytes long.</para>
/// <para>The node disposes of the transport when it ends, and when it fails to start.</para>
/// </remarks>
/// <example>
/// <code>
/// var internet = new SimulatedInternet(seed: 7);
/// var options = new LanyardOptions { Transport = internet.AddHost().CreateTransport(), TimeProvider = internet.TimeProvider };
/// </code>
/// </example>
public interface ILanyardTransport : IDisposable
{
    /// <summary>
    /// The local endpoints, one or more, each at the address at which hosts of the same network reach it. The node reads them when it starts. They do not change.
    /// </summary>
    IReadOnlyList<IPEndPoint> LocalEndPoints { get; }

    /// <summary>Starts to receive. Called once, before anything is sent.</summary>
    /// <param name="receiver">Receives the datagrams.</param>
    void Start(ILanyardDatagramReceiver receiver);

    /// <summary>
    /// Sends a datagram. May be called with the node's lock held: it must return soon, and must not call the node. A datagram that cannot be sent is dropped.
    /// </summary>
    /// <param name="local">The index of the local endpoint in <see cref="LocalEndPoints"/>.</param>
    /// <param name="remote">The destination.</param>
    /// <param name="datagram">The UDP payload. It must be copied if it is used after the call.</param>
    /// <param name="timeToLive">The IP time to live, 1 to 255; 0 for the default of the transport. A small one opens a mapping of the sender's own NAT without reaching the
    /// destination.</param>
    /// <returns>Whether the datagram was accepted. The node counts those that were not (<see cref="LanyardNodeStatus.SendFailures"/>).</returns>
    bool Send(int local, IPEndPoint remote, ReadOnlySpan<byte> datagram, int timeToLive);
}

/// <summary>Receives datagrams from an <see cref="ILanyardTransport"/>. Any thread may call it, except while it holds a lock that <see cref="ILanyardTransport.Send"/> takes.</summary>
public interface ILanyardDatagramReceiver
{
    /// <summary>Receives a datagram. Does nothing after the node ended.</summary>
    /// <param name="local">The index of the local endpoint in <see cref="ILanyardTransport.LocalEndPoints"/>.</param>
    /// <param name="remote">The sender's endpoint.</param>
    /// <param name="datagram">The UDP payload. The node changes the bytes during the call.</param>
    void OnReceived(int local, IPEndPoint remote, Span<byte> datagram);

    /// <summary>Reports that the network changed: the node tries all paths anew.</summary>
    void OnNetworkChanged();
}
