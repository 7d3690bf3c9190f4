using Lanyard.NetStack;
using Lanyard.NetStack.Tests;

namespace Lanyard.Fuzz;

/// <summary>The neighbor's TCP connections with the host under test. The neighbor follows the host's sequence numbers.</summary>
/// <param name="peer">The host under test.</param>
/// <param name="listenPort">The port that the host listens on.</param>
/// <param name="maxConnections">The number of connections that the neighbor follows.</param>
/// <param name="scratch">The bytes of long payloads.</param>
internal sealed class TcpNeighbor(RawPeer peer, ushort listenPort, int maxConnections, byte[] scratch)
{
    private readonly List<FarConnection> _far = [];
    private ushort _nextPort = 4_000;

    /// <summary>Returns a port that the neighbor has not used.</summary>
    public ushort NextPort() => _nextPort++;

    /// <summary>Answers the SYN of the host's first connection, if there is one.</summary>
    public void Accept(ref FuzzInput story)
    {
        if (_far.Count > 0)
            SendSegment(_far[0], TcpFlags.Syn | TcpFlags.Ack, 0, 0, default, story.UInt16(), SynOptions(story.Byte()));
    }

    /// <summary>Checks a segment of the host and updates the sequence numbers of its connection.</summary>
    public void Follow(ReadOnlySpan<byte> payload, bool isV6)
    {
        Check.That(TcpSegment.TryParse(payload, out var segment), "a malformed segment was sent");
        var (near, port) = (segment.SourcePort, segment.DestinationPort);
        var far = _far.Find(other => other.NearPort == near && other.FarPort == port && other.IsV6 == isV6);
        if (far is null)
        {
            if (_far.Count >= maxConnections)
                _far.RemoveAt(0);
            _far.Add(far = new FarConnection(isV6, near, port) { FarNext = 5_000 });
        }

        far.NearNext = segment.Sequence + (uint)segment.SequenceLength;
        if (segment.Has(TcpFlags.Ack))
            far.FarNext = segment.Acknowledgment;
    }

    /// <summary>Sends a segment of a connection, or opens another connection, as the story chooses.</summary>
    public void Segment(ref FuzzInput story)
    {
        var choice = story.Byte();
        if (_far.Count == 0 || choice >= 0xf0)
        {
            // The neighbor opens one itself.
            if (_far.Count >= maxConnections)
                _far.RemoveAt(0);
            _far.Add(new FarConnection((choice & 1) != 0, listenPort, NextPort()) { FarNext = story.UInt32() });
            SendSegment(_far[^1], TcpFlags.Syn | ((choice & 2) != 0 ? TcpFlags.Ece | TcpFlags.Cwr : 0), 0, 0, default, story.UInt16(), SynOptions(story.Byte()));
            return;
        }

        var far = _far[choice % _far.Count];
        var flags = (TcpFlags)story.Byte();
        // Mostly a plain segment: a reset ends every story.
        if ((choice & 0x10) == 0)
            flags = flags & (TcpFlags.Psh | TcpFlags.Fin) | TcpFlags.Ack;
        var sequence = Offset(ref story);
        var acknowledgment = Offset(ref story);
        var window = story.UInt16();
        var options = story.Bytes(TcpSegment.MaxOptionBytes).ToArray().AsSpan();
        var payload = story.Byte() is var length && length < 0x80 ? story.Bytes(length) : scratch.AsSpan(0, (length & 0x7f) * 20);
        SendSegment(far, flags, sequence, acknowledgment, payload, window, options[..(options.Length & ~3)]);
    }

    /// <summary>Returns the options of a SYN for a choice.</summary>
    public static byte[] SynOptions(byte choice)
    {
        var bytes = new byte[TcpSegment.MaxOptionBytes];
        ReadOnlySpan<int> sizes = [0, 1, 88, 536, 1_220, 1_460, 8_960, 65_535];
        var length = TcpSegmentOptions.WriteSyn(bytes, sizes[choice & 7], (choice & 8) != 0 ? choice >> 4 : -1, (choice & 16) != 0, (choice & 32) != 0, choice, 0);
        return bytes[..length];
    }

    private static long Offset(ref FuzzInput story) => story.Byte() switch
    {
        < 0xa0 => 0,
        < 0xd0 => (sbyte)story.Byte() * 100,
        < 0xf8 => (short)story.UInt16(),
        _ => (int)story.UInt32(),
    };

    private void SendSegment(FarConnection far, TcpFlags flags, long sequence, long acknowledgment, ReadOnlySpan<byte> payload, ushort window, ReadOnlySpan<byte> options)
    {
        var (from, to) = far.IsV6 ? (Pair.B6, Pair.A6) : (Pair.B4, Pair.A4);
        var segment = new byte[TcpSegment.HeaderBytes + options.Length + payload.Length];
        TcpSegment.WriteHeader(segment, far.FarPort, far.NearPort, (uint)(far.FarNext + sequence), (uint)(far.NearNext + acknowledgment), flags, window, options.Length);
        options.CopyTo(segment.AsSpan(TcpSegment.HeaderBytes));
        payload.CopyTo(segment.AsSpan(TcpSegment.HeaderBytes + options.Length));
        TcpSegment.WriteChecksum(segment, InternetChecksum.PseudoHeader(from, to, IpProtocol.Tcp, segment.Length));
        if (far.IsV6)
            peer.ReceiveV6(IpProtocol.Tcp, segment);
        else
            peer.ReceiveV4(IpProtocol.Tcp, segment, trafficClass: (byte)(sequence & 3));
    }

    private sealed class FarConnection(bool isV6, ushort nearPort, ushort farPort)
    {
        public bool IsV6 { get; } = isV6;

        public ushort NearPort { get; } = nearPort;

        public ushort FarPort { get; } = farPort;

        public uint FarNext { get; set; }

        public uint NearNext { get; set; }
    }
}
