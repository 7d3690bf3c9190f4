using Lanyard.Dissector;
using Lanyard.Wire;
using Lanyard.Wire.Packets;
using Lanyard.Wire.Tests;
using Lanyard.Wire.Verbs;

namespace Lanyard.Fuzz;

/// <summary>The contents of the recordings of real nodes, as seeds.</summary>
internal static class Recorded
{
    private const int PayloadsOfAKind = 3;
    private static readonly Lazy<HashSet<string>> Known = new(() => [.. AllDatagrams().Select(Convert.ToHexString)]);

    /// <summary>A few decrypted payloads of each verb and answer.</summary>
    public static IEnumerable<(Verb Verb, byte[] Payload)> Payloads() => TestData.Recordings
        .SelectMany(recording => TestData.Nodes.SelectMany(node => Recording.Packets(recording, node)))
        .Select(packet => (packet.Verb, Payload: packet.Payload.ToArray()))
        .GroupBy(packet => (packet.Verb, packet.Payload.FirstOrDefault(), packet.Payload.Length / 64))
        .SelectMany(group => group.Take(PayloadsOfAKind));

    /// <summary>A few datagrams of each kind.</summary>
    public static IEnumerable<byte[]> Datagrams() => AllDatagrams()
        .GroupBy(bytes => (Datagram.Classify(bytes), bytes.Length / 256, bytes.Length > PacketFormat.FlagsOffset ? bytes[PacketFormat.FlagsOffset] : 0))
        .SelectMany(group => group.Take(2))
        .Append(LongPacket());

    /// <summary>Whether a datagram was recorded, apart from its hops: such packets are authentic.</summary>
    public static bool Contains(ReadOnlySpan<byte> datagram)
    {
        var copy = datagram.ToArray();
        for (var hops = 0; hops <= PacketFormat.MaxHops; hops++)
        {
            copy[PacketFormat.FlagsOffset] = (byte)(copy[PacketFormat.FlagsOffset] & ~PacketFormat.HopsMask | hops);
            if (Known.Value.Contains(Convert.ToHexString(copy)))
                return true;
        }

        return false;
    }

    /// <summary>Network configurations as controllers sent them.</summary>
    public static IEnumerable<byte[]> Configs()
    {
        foreach (var (verb, payload) in Payloads())
        {
            var part = payload.AsMemory();
            if (verb == Verb.Ok && OkMessage.TryParse(payload, out var ok) && ok.InReVerb == Verb.NetworkConfigRequest)
                part = part[OkMessage.HeaderBytes..];
            else if (verb != Verb.NetworkConfig)
                continue;
            if (NetworkConfigMessage.TryParse(part.Span, out var chunk))
                yield return chunk.Chunk.ToArray();
        }
    }

    /// <summary>A file of each recording.</summary>
    public static IEnumerable<byte[]> Files(params string[] name) => TestData.Recordings
        .Select(recording => TestData.PathOf([recording, .. name])).Where(File.Exists).Select(File.ReadAllBytes);

    private static IEnumerable<byte[]> AllDatagrams() => TestData.Recordings
        .SelectMany(recording => TestData.Nodes.Select(node => CaptureFile.Read(TestData.Bytes(recording, $"{node}.pcap"))))
        .SelectMany(frames => frames.Select(frame => CapturedDatagram.Of(frame)))
        .Where(datagram => datagram.NotUdp is null)
        .Select(datagram => datagram.Payload.ToArray());

    private static byte[] LongPacket()
    {
        var packet = new byte[6_000];
        PacketHeader.Write(packet, 1, Keys.Leaf.Address, Keys.Root.Address, Verb.Echo);
        return packet;
    }
}

/// <summary>The identities of the recordings, with their secret keys, and the keys that they share.</summary>
internal static class Keys
{
    private static readonly Dictionary<(NodeAddress, NodeAddress), SessionKey> Sessions = [];

    /// <summary>The root, which is the controller as well.</summary>
    public static Identity Root { get; } = TestData.SecretIdentity("peer-1.14", "r");

    /// <summary>The node under test.</summary>
    public static Identity Leaf { get; } = TestData.SecretIdentity("peer-1.14", "a");

    /// <summary>A member beside it.</summary>
    public static Identity Member { get; } = TestData.SecretIdentity("peer-1.14", "b");

    /// <summary>A node that is a member of nothing.</summary>
    public static Identity Stranger { get; } = TestData.SecretIdentity("peer-1.4.6", "a");

    /// <summary>All of them.</summary>
    public static IReadOnlyList<Identity> All { get; } = [Root, Leaf, Member, Stranger];

    /// <summary>The key of two of them; another key where one is not known.</summary>
    public static SessionKey OfRecorded(NodeAddress one, NodeAddress other) => Between(Find(one), Find(other));

    /// <summary>The key of two identities, the first with its secret.</summary>
    public static SessionKey Between(Identity one, Identity other)
    {
        lock (Sessions)
        {
            if (!Sessions.TryGetValue((one.Address, other.Address), out var key))
            {
                if (!SessionKey.TryAgree(one, other, out key))
                    throw new FuzzException("two identities do not agree");
                Sessions.Add((one.Address, other.Address), key);
            }

            return key;
        }
    }

    private static Identity Find(NodeAddress address) => All.FirstOrDefault(identity => identity.Address == address) ?? Stranger;
}
