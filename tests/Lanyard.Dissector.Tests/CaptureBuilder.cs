using System.Buffers.Binary;
using Lanyard.Dissector;
using Lanyard.Primitives;

namespace Lanyard.Dissector.Tests;

/// <summary>Creates captures: pcap in either byte order and unit of time, and pcapng.</summary>
internal sealed class CaptureBuilder(bool isBigEndian = false, bool nanoseconds = false, LinkType linkType = LinkType.Raw)
{
    private readonly List<byte[]> _blocks = [];

    /// <summary>A UDP datagram in an IPv4 packet, or in an IPv6 packet if the addresses are such.</summary>
    public static byte[] Udp(InetEndpoint from, InetEndpoint to, ReadOnlySpan<byte> payload)
    {
        var header = from.Address.IsV4 ? 20 : 40;
        var packet = new byte[header + 8 + payload.Length];
        if (from.Address.IsV4)
        {
            packet[0] = 0x45;
            BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(2), (ushort)packet.Length);
            packet[9] = 17;
        }
        else
        {
            packet[0] = 0x60;
            BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(4), (ushort)(packet.Length - header));
            packet[6] = 17;
        }

        var length = from.Address.Length;
        from.Address.Write(packet.AsSpan(header - (2 * length)));
        to.Address.Write(packet.AsSpan(header - length));
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(header), from.Port);
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(header + 2), to.Port);
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(header + 4), (ushort)(8 + payload.Length));
        payload.CopyTo(packet.AsSpan(header + 8));
        return packet;
    }

    /// <summary>Adds a frame.</summary>
    /// <param name="frame">What was captured of it.</param>
    /// <param name="seconds">When: seconds since 1970.</param>
    /// <param name="fraction">When: the fraction, in the capture's unit.</param>
    /// <param name="cut">How many bytes the capture left out.</param>
    public CaptureBuilder Add(ReadOnlySpan<byte> frame, uint seconds = 0, uint fraction = 0, int cut = 0)
    {
        _blocks.Add([.. Number(seconds), .. Number(fraction), .. Number((uint)frame.Length), .. Number((uint)(frame.Length + cut)), .. frame]);
        return this;
    }

    /// <summary>The capture as pcap.</summary>
    public byte[] ToPcap() =>
    [
        .. Number(nanoseconds ? 0xa1b23c4d : 0xa1b2c3d4), .. Number(isBigEndian ? 0x00020004u : 0x00040002u), .. Number(0), .. Number(0),
        .. Number(65535), .. Number((uint)linkType), .. _blocks.SelectMany(block => block),
    ];

    /// <summary>The capture as pcapng, with one interface whose unit of time is as given.</summary>
    /// <param name="resolution">A negative power of ten or, with the top bit set, of two.</param>
    public byte[] ToPcapNg(byte resolution)
    {
        var file = new List<byte>();
        AddBlock(file, 0x0a0d0d0a, [.. Number(0x1a2b3c4d), .. Number(isBigEndian ? 0x00010000u : 0x00000001u), .. Number(uint.MaxValue), .. Number(uint.MaxValue)]);
        var types = isBigEndian ? (uint)linkType << 16 : (uint)linkType;
        var option = isBigEndian ? 0x0009_0001u : 0x0001_0009u;
        AddBlock(file, 1, [.. Number(types), .. Number(65535), .. Number(option), resolution, 0, 0, 0, .. Number(0)]);
        AddBlock(file, 0x0bad, [1, 2, 3, 4]); // A kind of block that is passed over.
        foreach (var block in _blocks)
        {
            // Both halves of the time are taken as they were given.
            var frame = block[16..];
            var padding = new byte[(4 - (frame.Length % 4)) % 4];
            AddBlock(file, 6, [.. Number(0), .. block[..16], .. frame, .. padding]);
        }

        return [.. file];
    }

    private void AddBlock(List<byte> file, uint type, byte[] body)
    {
        var length = Number((uint)(12 + body.Length));
        file.AddRange([.. Number(type), .. length, .. body, .. length]);
    }

    private byte[] Number(uint value)
    {
        var bytes = new byte[sizeof(uint)];
        if (isBigEndian)
            BinaryPrimitives.WriteUInt32BigEndian(bytes, value);
        else
            BinaryPrimitives.WriteUInt32LittleEndian(bytes, value);
        return bytes;
    }
}
