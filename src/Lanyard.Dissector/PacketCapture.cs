using Lanyard.Primitives;
using Lanyard.Wire;
using Lanyard.Wire.Compression;
using Lanyard.Wire.Packets;
using Lanyard.Wire.Verbs;

namespace Lanyard.Dissector;

/// <summary>Reads the packets of captured frames: joins fragments, finds keys, decrypts and expands payloads, and learns identities from packets.</summary>
public sealed class PacketCapture
{
    // The maximum number of incomplete packets between one pair of endpoints.
    private const int FragmentCapacity = 256;

    private readonly KeyRing _keys;
    private readonly byte[] _joined = new byte[PacketFormat.MaxPacketBytes];
    private readonly byte[] _expanded = new byte[PacketFormat.MaxPayloadBytes];
    private readonly Dictionary<InetEndpoint, FragmentBuffer> _fragments = [];
    private readonly Dictionary<(ulong PacketId, InetEndpoint From, InetEndpoint To), CaptureEntry> _unfinished = [];

    private PacketCapture(KeyRing keys) => _keys = keys;

    /// <summary>Reads all entries of a capture, ordered by time; incomplete packets come last.</summary>
    /// <param name="frames">The captured frames.</param>
    /// <param name="keys">The known identities. Identities in HELLO and WHOIS packets of the capture are added.</param>
    public static IReadOnlyList<CaptureEntry> Read(IReadOnlyList<CapturedFrame> frames, KeyRing keys)
    {
        ArgumentNullException.ThrowIfNull(frames);
        ArgumentNullException.ThrowIfNull(keys);
        // An identity may follow the first packet that needs it. Read the capture again as long as new identities are found.
        while (true)
        {
            var known = keys.Count;
            var entries = new PacketCapture(keys).ReadOnce(frames);
            if (keys.Count == known || !entries.Exists(entry => entry is { Other: null, State: PacketState.NoKey }))
                return entries;
        }
    }

    private List<CaptureEntry> ReadOnce(IReadOnlyList<CapturedFrame> frames)
    {
        var entries = new List<CaptureEntry>(frames.Count);
        foreach (var frame in frames)
        {
            if (Read(CapturedDatagram.Of(frame)) is { } entry)
                entries.Add(entry);
        }

        entries.AddRange(_unfinished.Values);
        return entries;
    }

    private CaptureEntry? Read(CapturedDatagram datagram)
    {
        var entry = new CaptureEntry { Time = datagram.Time, From = datagram.From, To = datagram.To };
        if ((datagram.NotUdp ?? OtherTraffic.NameOf(datagram)) is { } other)
            return entry with { Other = other };
        var bytes = datagram.Payload.Span;
        if (FragmentView.TryParse(bytes, out var fragment))
        {
            var result = FragmentsTo(datagram.To).AddFragment(fragment, datagram.From, isKnown: true, 0, _joined, out var length);
            return Joined(entry, result, fragment.PacketId, fragment.Destination, length);
        }

        var packet = View(bytes);
        if (packet.IsFragmented)
        {
            var result = FragmentsTo(datagram.To).AddHead(packet, datagram.From, isKnown: true, 0, _joined, out var length);
            return Joined(entry with { Source = packet.Source }, result, packet.PacketId, packet.Destination, length);
        }

        return Open(entry, datagram.Payload.ToArray());
    }

    private FragmentBuffer FragmentsTo(InetEndpoint receiver)
    {
        if (!_fragments.TryGetValue(receiver, out var buffer))
            _fragments[receiver] = buffer = new FragmentBuffer(FragmentCapacity);
        return buffer;
    }

    private CaptureEntry? Joined(CaptureEntry entry, FragmentResult result, ulong packetId, NodeAddress destination, int length)
    {
        var key = (packetId, entry.From, entry.To);
        if (result == FragmentResult.Joined)
        {
            _unfinished.Remove(key);
            return Open(entry, _joined.AsSpan(0, length).ToArray());
        }

        if (result != FragmentResult.Duplicate)
            _unfinished[key] = entry with { State = PacketState.Incomplete, PacketId = packetId, Destination = destination };
        return null;
    }

    private CaptureEntry Open(CaptureEntry entry, byte[] bytes)
    {
        var sealedPacket = View(bytes);
        entry = entry with
        {
            PacketId = sealedPacket.PacketId,
            Source = sealedPacket.Source,
            Destination = sealedPacket.Destination,
            Suite = sealedPacket.Suite,
            Hops = sealedPacket.Hops,
            Bytes = bytes,
        };
        if (entry.Suite == CipherSuite.TrustedPath)
            return Expand(entry with { State = PacketState.Trusted }, sealedPacket);
        var opened = bytes.ToArray();
        if ((_keys.KeyOf(entry.Source, entry.Destination) ?? KeyOfHello(sealedPacket)) is not { } key)
            return entry with { State = PacketState.NoKey };
        if (!key.TryDearmor(opened))
            return entry with { State = PacketState.Forged };
        var packet = View(opened);
        if (packet is { Verb: Verb.Hello, IsCompressed: false } && HelloMessage.TryParse(packet.Payload, out var hello))
        {
            Learn(hello.Identity, entry.Source);
            key.CryptHelloTail(opened, PacketFormat.HeaderBytes + hello.TailStart);
        }

        return Expand(entry, packet);
    }

    private CaptureEntry Expand(CaptureEntry entry, PacketView packet)
    {
        entry = entry with { Verb = packet.Verb, WasCompressed = packet.IsCompressed };
        if (!packet.IsCompressed)
            entry = entry with { Payload = packet.Payload.ToArray() };
        else if (PayloadCompression.TryExpand(packet.Payload, _expanded, out var length))
            entry = entry with { Payload = _expanded.AsSpan(0, length).ToArray() };
        else
            return entry with { State = PacketState.NotExpandable };
        if (entry is { State: PacketState.Authentic, Verb: Verb.Ok })
            LearnFromWhois(entry.Payload.Span);
        return entry;
    }

    private static PacketView View(ReadOnlySpan<byte> bytes) =>
        PacketView.TryParse(bytes, out var packet) ? packet : throw new InvalidOperationException("A datagram that was classified as a packet is not a packet.");

    // The key of a HELLO whose sender is unknown: the HELLO itself contains the identity.
    private SessionKey? KeyOfHello(PacketView packet) =>
        packet is { Suite: CipherSuite.Poly1305, Verb: Verb.Hello }
        && HelloMessage.TryParse(packet.Payload, out var hello)
        && Identity.TryRead(hello.Identity, out var identity, out _)
        && identity.Address == packet.Source
            ? _keys.KeyWith(identity, packet.Destination)
            : null;

    private void LearnFromWhois(ReadOnlySpan<byte> payload)
    {
        if (!OkMessage.TryParse(payload, out var ok) || ok.InReVerb != Verb.Whois || !OkWhoisMessage.TryParse(ok.Payload, out var whois))
            return;
        foreach (var serialized in whois.Identities)
            Learn(serialized, default);
    }

    private void Learn(ReadOnlySpan<byte> serialized, NodeAddress expected)
    {
        // The address must derive from the keys, because any node may claim the address of another. The check is expensive, so only new identities are checked.
        if (Identity.TryRead(serialized, out var identity, out _)
            && (expected.IsNone || identity.Address == expected)
            && _keys.Find(identity.Address) is null
            && identity.Validate())
            _keys.Add(identity.WithoutSecret());
    }
}
