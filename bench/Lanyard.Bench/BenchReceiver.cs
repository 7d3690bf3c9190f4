using System.Buffers.Binary;
using System.Diagnostics;
using Lanyard.Engine;
using Lanyard.Engine.Networks;
using Lanyard.Engine.Packets;
using Lanyard.NetStack;
using Lanyard.Primitives;
using Lanyard.Testing;
using Lanyard.Wire;
using Lanyard.Wire.Packets;
using Lanyard.Wire.Verbs;

namespace Lanyard.Bench;

/// <summary>A node with a TCP/IP host on one network, and 64 members that send it UDP datagrams from memory.</summary>
internal sealed class BenchReceiver : INodeHost, IFrameSink
{
    private const int Members = 64;
    private const int Threads = 2;
    private const int PortNumber = 7;
    private const ulong StateNetwork = 1;

    private readonly Lock _gate = new();
    private readonly long _startMs = new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero).ToUnixTimeMilliseconds();
    private readonly Stopwatch _watch = Stopwatch.StartNew();
    private readonly byte[] _frame = new byte[NetworkLimits.MaxMtu];
    private readonly byte[] _received = new byte[NetworkLimits.MaxMtu];
    private readonly byte[]? _config;
    private readonly Node _node;
    private readonly NetworkHost _host;
    private readonly UdpSocket _socket;
    private int _delivered;

    public BenchReceiver(ulong seed)
    {
        var identities = new SimulatedInternet(seed);
        var identity = identities.CreateIdentity();
        var controller = new OpenController(identities.CreateIdentity()) { Customize = config => config with { Type = NetworkType.Public } };
        var id = controller.Network((uint)StateNetwork);
        var config = controller.Configure(NowMs, identity, id);
        var members = Enumerable.Range(0, Members).Select(_ => identities.CreateIdentity()).ToArray();
        foreach (var member in members)
            controller.Configure(NowMs, member, id);
        if (!config.TryWrite(out _config))
            throw new InvalidOperationException("The configuration is too long.");
        _node = new Node(new NodeOptions { RandomSeed = new byte[32] }, identity, this, NowMs) { Controller = controller };
        var network = _node.Join(NowMs, id);
        var own = config.StaticAddresses[0];
        _host = new NetworkHost(new NetworkHostOptions { Mac = network.Mac, Secret = new byte[16], DetectDuplicateAddresses = false }, this);
        _host.AddAddress(0, own, detectDuplicate: false);
        if (_host.OpenUdp(new InetEndpoint(own.Address, PortNumber), events: null, out var socket) != NetError.None)
            throw new InvalidOperationException("The socket did not open.");
        _socket = socket!;
        Feeders = [.. Enumerable.Range(0, Threads).Select(thread => new Feeder([.. members.Where((_, index) => index % Threads == thread)], identity, id, own.Address))];
        foreach (var feeder in Feeders)
        {
            for (var i = 0; i < Members; i++)
                Deliver(feeder);
        }

        if (Deliver(Feeders[0]) == 0)
            throw new InvalidOperationException("No frame was delivered.");
    }

    public Feeder[] Feeders { get; }

    private long NowMs => _startMs + _watch.ElapsedMilliseconds;

    /// <summary>Opens a batch of packets without the lock. Returns their number.</summary>
    public int Open(Feeder feeder)
    {
        feeder.Next();
        var count = 0;
        for (var i = 0; i < Feeder.Runs; i++)
        {
            _node.Open(feeder.Run(i), Feeder.DatagramBytes, feeder.Opened[i]);
            count += Feeder.PacketsInRun;
        }

        return count;
    }

    /// <summary>Opens a batch of packets without the lock, and applies it under the lock. Returns the number of frames that the TCP/IP host delivered.</summary>
    public int Deliver(Feeder feeder)
    {
        Open(feeder);
        lock (_gate)
        {
            _delivered = 0;
            var micros = _watch.Elapsed.Ticks / 10;
            _host.BeginBatch(micros);
            for (var i = 0; i < Feeder.Runs; i++)
                _node.Receive(NowMs, 0, feeder.Source(i), feeder.Run(i), Feeder.DatagramBytes, feeder.Opened[i]);
            while (_node.TryTakeWork(out var work))
            {
                work.Run();
                _node.CompleteWork(NowMs, work);
            }

            _host.EndBatch(micros);
            while (_socket.TryReceive(_received, out _))
                _delivered++;
            return _delivered;
        }
    }

    void INodeHost.FrameReceived(VirtualNetwork network, in EthernetFrame frame) =>
        _host.Receive(_watch.Elapsed.Ticks / 10, frame.Source, frame.Destination, frame.EtherType, frame.Payload);

    void INodeHost.SendDatagram(int localSocket, in InetEndpoint destination, ReadOnlySpan<byte> datagram, int timeToLive)
    {
    }

    void INodeHost.InternalErrorOccurred(Exception exception) => Console.Error.WriteLine(exception);

    void INodeHost.NetworkChanged(VirtualNetwork network)
    {
    }

    void INodeHost.OnlineChanged(bool online)
    {
    }

    void INodeHost.PeerChanged(NodeAddress peer, PeerChange change, in InetEndpoint endpoint)
    {
    }

    void INodeHost.UserMessageReceived(NodeAddress source, ulong type, ReadOnlySpan<byte> message)
    {
    }

    bool INodeHost.MayUsePath(NodeAddress peer, int localSocket, in InetEndpoint endpoint) => true;

    byte[]? INodeHost.LoadState(StateKind kind, ulong id) => kind == StateKind.NetworkConfig ? _config : null;

    IReadOnlyList<ulong> INodeHost.ListState(StateKind kind) => [];

    void INodeHost.SaveState(StateKind kind, ulong id, ReadOnlySpan<byte> state)
    {
    }

    void INodeHost.DeleteState(StateKind kind, ulong id)
    {
    }

    Span<byte> IFrameSink.Rent(MacAddress destination, ushort etherType, int length) => _frame.AsSpan(0, length);

    void IFrameSink.Commit(int length)
    {
    }

    void IFrameSink.Flush()
    {
    }
}

/// <summary>The datagrams of some members: each batch has runs of datagrams, each run from one member.</summary>
internal sealed class Feeder
{
    /// <summary>The number of runs in a batch, and of packets in a run.</summary>
    public const int Runs = 4, PacketsInRun = 16;

    /// <summary>The length of a datagram: a packet with 1,400 bytes behind its header.</summary>
    public const int DatagramBytes = PacketFormat.HeaderBytes + 1_400;

    private const int PacketBytes = DatagramBytes - PacketFormat.HeaderBytes - FrameMessage.HeaderBytes;
    private const int UdpPayloadBytes = PacketBytes - 28;

    private readonly byte[][] _sealed;
    private readonly InetEndpoint[] _sources;
    private readonly byte[] _batch = new byte[Runs * PacketsInRun * DatagramBytes];
    private int _first;

    public Feeder(Identity[] members, Identity node, NetworkId network, InetAddress destination)
    {
        _sealed = [.. members.Select((member, index) => Seal(member, node, network, destination, index))];
        _sources = [.. members.Select((_, index) => new InetEndpoint(InetAddress.FromV4(0x2d00_0001u + ((uint)index << 8)), 9993))];
        Opened = [.. Enumerable.Range(0, Runs).Select(_ => new OpenedPackets())];
    }

    public OpenedPackets[] Opened { get; }

    /// <summary>Fills the batch with sealed packets of the next members.</summary>
    public void Next()
    {
        _first = (_first + Runs) % _sealed.Length;
        for (var i = 0; i < Runs; i++)
            _sealed[(_first + i) % _sealed.Length].CopyTo(Run(i));
    }

    public Span<byte> Run(int index) => _batch.AsSpan(index * PacketsInRun * DatagramBytes, PacketsInRun * DatagramBytes);

    public InetEndpoint Source(int index) => _sources[(_first + index) % _sources.Length];

    private static byte[] Seal(Identity member, Identity node, NetworkId network, InetAddress destination, int index)
    {
        if (!SessionKey.TryAgree(member, node, out var key))
            throw new InvalidOperationException("The identities agree on no key.");
        using var agreed = key;
        var run = new byte[PacketsInRun * DatagramBytes];
        for (var i = 0; i < PacketsInRun; i++)
        {
            var buffer = run.AsSpan(i * DatagramBytes, DatagramBytes);
            WriteDatagram(buffer[^PacketBytes..], InetAddress.FromV4(destination.V4 + 1_000 + (uint)index), destination);
            var writer = new ByteWriter(buffer.Slice(PacketFormat.HeaderBytes, FrameMessage.HeaderBytes));
            new FrameMessage { NetworkId = network, EtherType = 0x0800 }.Write(ref writer);
            var packet = new PacketBuilder(buffer, PacketFormat.HeaderBytes, DatagramBytes - PacketFormat.HeaderBytes)
                .Seal(((ulong)(uint)index << 32) + (uint)i + 1, node.Address, member.Address, Verb.Frame, 2 * DatagramBytes);
            agreed.Armor(packet, CipherSuite.AesGmacSiv);
        }

        return run;
    }

    // IPv4 and UDP, without a UDP checksum.
    private static void WriteDatagram(Span<byte> packet, InetAddress source, InetAddress destination)
    {
        packet[0] = 0x45;
        BinaryPrimitives.WriteUInt16BigEndian(packet[2..], PacketBytes);
        packet[8] = 64;
        packet[9] = 17;
        BinaryPrimitives.WriteUInt32BigEndian(packet[12..], source.V4);
        BinaryPrimitives.WriteUInt32BigEndian(packet[16..], destination.V4);
        BinaryPrimitives.WriteUInt16BigEndian(packet[10..], InternetChecksum.Finish(InternetChecksum.Sum(packet[..20])));
        BinaryPrimitives.WriteUInt16BigEndian(packet[20..], 5_000);
        BinaryPrimitives.WriteUInt16BigEndian(packet[22..], 7);
        BinaryPrimitives.WriteUInt16BigEndian(packet[24..], UdpPayloadBytes + 8);
    }
}
