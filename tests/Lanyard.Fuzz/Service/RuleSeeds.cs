using System.Buffers.Binary;
using Lanyard.NetStack;
using Lanyard.NetStack.Tests;
using Lanyard.Primitives;
using Lanyard.Wire;

namespace Lanyard.Fuzz;

/// <summary>Rules with rare frames: extension headers, fragments, truncated transport headers.</summary>
internal static class RuleSeeds
{
    private const byte Inbound = 1;
    private const byte FromMember = 2;
    private const byte ToLeaf = 4;
    private const byte PeerCredentials = 8;
    private const byte OwnCredentials = 16;
    private const byte IsV6 = 0x40;
    private const byte IsArp = 0x80;

    /// <summary>Returns all inputs.</summary>
    public static IEnumerable<byte[]> All()
    {
        foreach (var (kind, frame) in Frames())
        {
            foreach (byte flags in (byte[])[0, OwnCredentials, Inbound | OwnCredentials | PeerCredentials])
            {
                foreach (var rules in Rules())
                    yield return Input((byte)(flags | kind), rules, frame);
            }
        }

        // Tags that one member lacks, with each operator, and copies to the sender, the receiver and others.
        byte[] any = new byte[60];
        foreach (byte flags in (byte[])[0, Inbound, FromMember | Inbound, Inbound | FromMember | ToLeaf, ToLeaf])
        {
            foreach (byte credentials in (byte[])[0, OwnCredentials, PeerCredentials | OwnCredentials])
            {
                for (byte type = 44; type <= 50; type++)
                {
                    foreach (byte value in (byte[])[0, 7, 9])
                        yield return Input((byte)(flags | credentials), [type, 8, 0, 0, 0, 1, 0, 0, 0, value, 1, 0], any);
                    yield return Input((byte)(flags | credentials), [type, 8, 0, 0, 0, 2, 0, 0, 0, 7, 1, 0, 0, 0], any);
                }
            }

            foreach (var node in (Identity[])[Keys.Leaf, Keys.Member, Keys.Stranger, Keys.Root])
            {
                for (byte type = 2; type <= 4; type++)
                {
                    byte[] forward = [type, 14, .. Address(node.Address), .. new byte[6]];
                    // The second and third reach the forward with a set that does not match.
                    yield return Input(flags, [.. forward, 1, 0], any);
                    yield return Input(flags, [37, 2, 0x12, 0x34, .. forward, 1, 0], any);
                    yield return Input((byte)(flags | OwnCredentials), [37, 2, 0x12, 0x34, .. forward, 46, 8, 0, 0, 0, 2, 0, 0, 0, 7, 49, 8, 0, 0, 0, 1, 0, 0, 0, 7, 1, 0], any);
                }
            }
        }

        // A break, and a capability that accepts, drops or does not match.
        foreach (var capability in (byte[][])[[1, 0], [0, 0], [37, 2, 8, 0, 1, 0], [37, 2, 9, 0, 1, 0], [5, 0]])
            yield return Input(0, [5, 0, .. capability], any);
    }

    private static IEnumerable<byte[]> Rules() =>
    [
        // Characteristics: authenticated sender, TCP flags.
        [41, 8, 0x20, 0, 0, 0, 0, 0, 0, 0, 0x40 | 41, 8, 0, 0, 0, 0, 0, 0, 0, 0x12, 1, 0], [41, 8, 0, 0, 0, 0, 0, 0, 0, 2, 1, 0],
        [38, 3, 8, 0, 1, 1, 0], [0x80 | 38, 3, 8, 0, 0, 0x40 | 38, 3, 135, 0, 0, 0x40 | 0x80 | 38, 3, 136, 0, 0, 1, 0],
        [39, 4, 0, 0, 0xff, 0xff, 40, 4, 0, 80, 0, 80, 1, 0], [36, 1, 17, 35, 3, 0xff, 0, 0xff, 1, 0],
    ];

    private static IEnumerable<(byte Kind, byte[] Frame)> Frames()
    {
        byte[] ports = [0, 9, 0, 80, .. new byte[16]];
        foreach (byte protocol in (byte[])[1, 6, 17, 50, 132, 136])
        {
            foreach (ushort fragment in (ushort[])[0, 0x2000, 0x2001, 0x0003])
            {
                foreach (var length in (int[])[0, 4, 14, 20])
                    yield return (0, V4(protocol, fragment, ports[..length], 0x45));
                yield return (0, V4(protocol, fragment, ports, 0x43));
            }
        }

        foreach (byte next in (byte[])[6, 17, 50, 58, 59, 132])
        {
            foreach (ushort word in (ushort[])[0, 1, 9, 8, 801])
            {
                foreach (var length in (int[])[0, 4, 15, 20])
                {
                    byte[] fragment = [next, 0, (byte)(word >> 8), (byte)word, 0, 0, 0, 1, .. ports[..length]];
                    yield return (IsV6, V6(44, fragment));
                    yield return (IsV6, V6(60, [44, 0, 1, 4, 0, 0, 0, 0, .. fragment]));
                    yield return (IsV6, V6(44, [60, 0, 0, (byte)(word & 1), 0, 0, 0, 1, next, 0, 1, 4, 0, 0, 0, 0, .. ports[..length]]));
                    yield return (IsV6, V6(44, [44, 0, 0, (byte)(word & 1), 0, 0, 0, 1, .. fragment]));
                }
            }

            yield return (IsV6, V6(next, ports));
            yield return (IsV6, V6(0, [next, 9, 1, 4, 0, 0, 0, 0]));
            yield return (IsV6, V6(44, [60, 0, 0, 1, 0, 0, 0, 1, next, 9, 0, 0, 0, 0, 0, 0]));
        }

        foreach (byte type in (byte[])[128, 135, 136])
            yield return (IsV6, V6(58, RawPeer.Icmp(type, 0, 0, V6Address(Pair.B6), v6: true)));
        var arp = new byte[ArpPacket.Bytes];
        new ArpPacket(false, Pair.MacB, Pair.B4, Pair.MacA, Pair.A4).Write(arp);
        yield return (IsArp, arp);
        yield return (IsArp, arp[..20]);
    }

    private static byte[] Input(byte flags, byte[] rules, byte[] frame) => new FuzzInputWriter().Add(flags).AddBytes(rules).Add(frame).ToArray();

    private static byte[] V4(byte protocol, ushort fragment, byte[] data, byte first) =>
        [first, 0, 0, (byte)(20 + data.Length), 0, 1, (byte)(fragment >> 8), (byte)fragment, 64, protocol, 0, 0, 10, 1, 0, 2, 10, 1, 0, 1, .. data];

    private static byte[] V6(byte next, byte[] data) => [0x60, 0, 0, 0, 0, (byte)data.Length, next, 255, .. V6Address(Pair.B6), .. V6Address(Pair.A6), .. data];

    private static byte[] V6Address(InetAddress address)
    {
        var bytes = new byte[16];
        address.Write(bytes);
        return bytes;
    }

    private static byte[] Address(NodeAddress address)
    {
        var bytes = new byte[8];
        BinaryPrimitives.WriteUInt64BigEndian(bytes, address.Value);
        return bytes;
    }
}
