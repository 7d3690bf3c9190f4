using Lanyard.Engine.Peers;
using Lanyard.Wire.Crypto;
using Lanyard.Wire.Packets;
using Lanyard.Wire.Verbs;
using Lanyard.Wire;

namespace Lanyard.Engine.Packets;

/// <summary>
/// Opens the packets of known peers: authenticates and decrypts them in place. It changes no state of the node, so many threads may use it at the same time, without
/// the node's lock.
/// </summary>
internal sealed class PacketOpener(NodeAddress self, KeyTable keys)
{
    /// <summary>Opens the packets of a run of datagrams.</summary>
    /// <param name="run">Datagrams that lie one behind the other. Fragments are joined and packets decrypted where they lie.</param>
    /// <param name="datagramBytes">The length of each but the last, which may be shorter.</param>
    /// <param name="opened">Receives the parts of the run in order.</param>
    public void Open(Span<byte> run, int datagramBytes, OpenedPackets opened)
    {
        opened.Clear();
        var start = 0;
        do
        {
            var part = OpenFirst(run, start, datagramBytes);
            opened.Add(part);
            start += part.DatagramBytes;
        }
        while (start < run.Length);
    }

    private OpenedPacket OpenFirst(Span<byte> run, int start, int datagramBytes)
    {
        var rest = run[start..];
        var first = datagramBytes > 0 ? Math.Min(datagramBytes, rest.Length) : rest.Length;
        var unchanged = new OpenedPacket(start, first, first, OpenResult.None, null);
        if (Datagram.Classify(rest[..first]) != DatagramKind.Packet || !PacketView.TryParse(rest[..first], out var packet) || packet.Destination != self || packet.Source == self)
            return unchanged;
        var (packetBytes, taken) = (first, first);

        // The usual case of a long packet: its fragments lie one behind the other.
        if (packet.IsFragmented && !PacketSplitter.TryJoin(rest, first, out packetBytes, out taken))
            return unchanged;
        var isOpenable = packet.Suite is CipherSuite.AesGmacSiv or CipherSuite.Salsa2012Poly1305 || (packet.Suite == CipherSuite.Poly1305 && packet.Verb != Verb.Hello);
        if (!isOpenable || keys.Find(packet.Source) is not { } key)
            return packet.IsFragmented ? new OpenedPacket(start, taken, packetBytes, OpenResult.Joined, null) : unchanged;
        var isAuthentic = key.TryDearmor(rest[..packetBytes]);
        return new OpenedPacket(start, taken, packetBytes, isAuthentic ? OpenResult.Opened : OpenResult.Refused, isAuthentic ? key : null);
    }
}
