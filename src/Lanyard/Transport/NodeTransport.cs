using Lanyard.Engine.Packets;
using Lanyard.Primitives;
using Microsoft.Extensions.Logging;

namespace Lanyard;

/// <summary>Carries a node's datagrams: over UDP sockets, or over a transport of the application's.</summary>
internal abstract class NodeTransport(ILogger logger) : IDisposable
{
    private const int NoSenderBytes = 64 * 1024;

    private volatile DatagramSender[] _senders = [];
    private SendBatch? _room;
    private int _lastUsed;

    /// <summary>The senders, one for each local endpoint. The engine identifies a local endpoint by its index, which never changes. Later endpoints are appended.</summary>
    public IReadOnlyList<DatagramSender> Senders => _senders;

    /// <summary>The port of the local endpoints.</summary>
    public abstract int Port { get; }

    /// <summary>The number of datagrams that the system did not accept.</summary>
    public long SendFailures
    {
        get
        {
            var failures = 0L;
            foreach (var sender in _senders)
                failures += sender.SendFailures;
            return failures;
        }
    }

    protected ILogger Logger { get; } = logger;

    /// <summary>Starts to receive.</summary>
    /// <param name="name">The name of the threads.</param>
    /// <param name="receiver">Receives the datagrams. Not called under the gate.</param>
    public abstract void Start(string name, ITransportReceiver receiver);

    /// <summary>Starts to report changes of the environment. After <see cref="Start"/>.</summary>
    public virtual void WatchEnvironment()
    {
    }

    /// <summary>Reads the addresses and LANs of this machine. Throws what <see cref="LocalInterfaces.IsUnavailable"/> recognizes if the system does not report them.</summary>
    /// <param name="excludedPrefixes">Name prefixes of interfaces to exclude.</param>
    public abstract LocalInterfaces ReadInterfaces(IReadOnlyList<string> excludedPrefixes);

    /// <summary>Binds local endpoints that were not available yet. Under the gate.</summary>
    public virtual void TryBindMissing()
    {
    }

    /// <summary>Sends a datagram when the gate is left: from a local endpoint, or, with -1, from all that have the destination's family. Under the gate.</summary>
    public void Send(int local, in InetEndpoint destination, ReadOnlySpan<byte> datagram, int timeToLive)
    {
        var senders = _senders;
        if ((uint)local < (uint)senders.Length)
        {
            _lastUsed = local;
            Send(senders[local], destination, datagram, timeToLive);
            return;
        }

        foreach (var candidate in senders)
        {
            if (candidate.Family == destination.Address.Family)
                Send(candidate, destination, datagram, timeToLive);
        }
    }

    /// <summary>Seals and sends a packet when the gate is left: from a local endpoint, or, with -1, from all that have the destination's family. Under the gate.</summary>
    public void Send(int local, in InetEndpoint destination, in UnsealedPacket packet)
    {
        var senders = _senders;
        if ((uint)local < (uint)senders.Length)
        {
            _lastUsed = local;
            senders[local].Send(destination, packet);
            return;
        }

        foreach (var candidate in senders)
        {
            if (candidate.Family == destination.Address.Family)
                candidate.Send(destination, packet);
        }
    }

    /// <summary>Reserves room to build a packet in: see <see cref="DatagramSender.TakeRoom"/>. Under the gate.</summary>
    public SendBatch TakeRoom(int bytes, out int offset)
    {
        if (_senders.Length > 0)
            return _senders[_lastUsed].TakeRoom(bytes, out offset);

        // There is no local endpoint yet: all addresses are missing.
        offset = 0;
        return _room ??= new SendBatch(NoSenderBytes);
    }

    /// <summary>Takes the batches to be sent. Under the gate; <see cref="EndFlush"/> must follow on the same thread.</summary>
    public void BeginFlush()
    {
        foreach (var sender in _senders)
            sender.BeginFlush();
    }

    /// <summary>Seals and sends what this thread has taken. Not under the gate.</summary>
    public void EndFlush()
    {
        foreach (var sender in _senders)
        {
            try
            {
                sender.EndFlush();
            }
#pragma warning disable CA1031 // Sealing and sending do not throw; if one sender did, the others' locks must still be released, and completed operations must complete.
            catch (Exception e)
#pragma warning restore CA1031
            {
                Log.InternalError(Logger, e);
            }
        }
    }

    /// <summary>Stops receiving. Not under the gate.</summary>
    public abstract void Dispose();

    protected void Use(DatagramSender[] senders) => _senders = senders;

    private static void Send(DatagramSender sender, in InetEndpoint destination, ReadOnlySpan<byte> datagram, int timeToLive)
    {
        if (timeToLive == 0)
            sender.Send(destination, datagram);
        else
            sender.Send(destination, datagram, timeToLive);
    }
}

/// <summary>Receives datagrams, and reports of changes, from a <see cref="NodeTransport"/>. Not called under the gate.</summary>
internal interface ITransportReceiver
{
    /// <summary>Receives a batch of datagrams. The bytes may be changed.</summary>
    /// <param name="local">The index of the local endpoint.</param>
    /// <param name="batch">The datagrams.</param>
    void OnReceived(int local, DatagramBatch batch);

    /// <summary>Receives a datagram. The bytes may be changed.</summary>
    /// <param name="local">The index of the local endpoint.</param>
    /// <param name="source">The sender's endpoint.</param>
    /// <param name="datagram">The UDP payload.</param>
    void OnReceived(int local, in InetEndpoint source, Span<byte> datagram);

    /// <summary>The addresses of this machine may have changed. Changes come in bursts.</summary>
    void OnEnvironmentChanged();

    /// <summary>The network changed: try all paths anew.</summary>
    void OnNetworkChanged();
}
