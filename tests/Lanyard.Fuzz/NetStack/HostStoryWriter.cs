using Lanyard.NetStack;

namespace Lanyard.Fuzz;

/// <summary>Writes steps of a <see cref="HostStory"/>.</summary>
internal sealed class HostStoryWriter(byte flags)
{
    /// <summary>The flag for a host with a neighbor authority and a filter of reassembled packets.</summary>
    public const byte Guarded = 1;

    /// <summary>The flag for a host whose neighbors are resolved at once.</summary>
    public const byte Resolved = 4;

    /// <summary>The flag for a host whose link-local address is in duplicate address detection.</summary>
    public const byte Checking = 8;

    private readonly FuzzInputWriter _story = new FuzzInputWriter().Add(flags);

    /// <summary>Adds a frame.</summary>
    public HostStoryWriter Frame(ushort etherType, ReadOnlySpan<byte> packet, byte mac = 0)
    {
        _story.Add(0, (byte)(etherType switch { NetworkHost.EtherTypeArp => 0, NetworkHost.EtherTypeIPv4 => 1, _ => 2 })).AddBytes(packet).Add(mac);
        return this;
    }

    /// <summary>Adds an IPv4 packet or fragment from the neighbor. <paramref name="offset"/> is in bytes; <paramref name="to"/> and <paramref name="mac"/> are choices of the story.</summary>
    public HostStoryWriter V4(byte protocol, ReadOnlySpan<byte> data, bool more = false, int offset = 0, int identification = 0, byte to = 0, byte mac = 0)
    {
        var fragment = (identification & 3) | (more ? 4 : 0) | (offset > 0 ? 8 : 0) | (offset / 8 << 4);
        _story.Add(1, HostStory.IndexOf(protocol)).AddBytes(data).Add((byte)(fragment >> 8), (byte)fragment, 64, to, mac);
        return this;
    }

    /// <summary>Adds an IPv6 packet from the neighbor. <paramref name="from"/>, <paramref name="to"/> and <paramref name="mac"/> are choices of the story.</summary>
    public HostStoryWriter V6(byte next, ReadOnlySpan<byte> data, byte from = 0, byte to = 0, byte hopLimit = 64, byte mac = 0)
    {
        _story.Add(2, HostStory.IndexOf(next)).AddBytes(data).Add(from, to, hopLimit, mac);
        return this;
    }

    /// <summary>Adds an IPv6 fragment from the neighbor.</summary>
    public HostStoryWriter Fragment(byte next, ReadOnlySpan<byte> data, int offset, bool more, byte identification = 1, byte to = 0)
    {
        byte[] packet = [next, 0, (byte)(offset >> 8), (byte)((offset & 0xf8) | (more ? 1 : 0)), 0, 0, 0, identification, .. data];
        return V6(IpProtocol.Fragment, packet, to: to);
    }

    /// <summary>Adds an ICMP error that quotes the host's last packet.</summary>
    public HostStoryWriter ErrorAboutLast(bool isV6, byte type, byte code, uint parameter = 0, byte quotedWords = 255)
    {
        _story.Add(7, (byte)(isV6 ? 1 : 0), type, code, (byte)(parameter >> 24), (byte)(parameter >> 16), (byte)(parameter >> 8), (byte)parameter, 1, quotedWords);
        if (isV6)
            _story.Add(64);
        return this;
    }

    /// <summary>Adds a step as bytes.</summary>
    public HostStoryWriter Step(params ReadOnlySpan<byte> bytes)
    {
        _story.Add(bytes);
        return this;
    }

    /// <summary>Adds a datagram of the application to the neighbor.</summary>
    public HostStoryWriter Send(bool isV6, int bytes = 100) => Step(12, (byte)(isV6 ? 0x20 : 0), 1, (byte)(bytes >> 8), (byte)bytes);

    /// <summary>Adds an echo request of the application to the neighbor.</summary>
    public HostStoryWriter Echo(bool isV6, int bytes = 100) => Step(12, (byte)(isV6 ? 0x22 : 2), 0, 1, (byte)(bytes >> 8), (byte)bytes);

    /// <summary>Adds a wait of two to the power of <paramref name="power"/> microseconds.</summary>
    public HostStoryWriter Wait(byte power) => Step(13, power);

    /// <summary>Returns the story.</summary>
    public byte[] ToArray() => _story.ToArray();
}
