using Lanyard.Primitives;

namespace Lanyard.NetStack;

/// <summary>The facts about its sender that a SYN tells.</summary>
/// <param name="Sequence">The SYN's sequence number.</param>
/// <param name="Mss">The largest segment that its sender accepts, in bytes; 0 if not given.</param>
/// <param name="WindowShift">The scale shift of its windows; -1 if not given.</param>
/// <param name="SackPermitted">Whether it accepts selective acknowledgments.</param>
/// <param name="HasTimestamp">Whether it carries a timestamp.</param>
/// <param name="Timestamp">The timestamp.</param>
/// <param name="Ecn">Whether it asks for, or agrees to, explicit congestion notification (RFC 3168 section 6.1.1).</param>
/// <param name="UserTimeoutSeconds">Its user timeout, 0 if not given.</param>
internal readonly record struct SynOffer(uint Sequence, int Mss, int WindowShift, bool SackPermitted, bool HasTimestamp, uint Timestamp,
    bool Ecn, int UserTimeoutSeconds)
{
    public static SynOffer From(in TcpSegment segment)
    {
        var options = segment.Options;
        var ecn = (segment.Flags & (TcpFlags.Ece | TcpFlags.Cwr))
            == (segment.Has(TcpFlags.Ack) ? TcpFlags.Ece : TcpFlags.Ece | TcpFlags.Cwr);
        return new(segment.Sequence, options.Mss, options.WindowShift, options.SackPermitted, options.HasTimestamp, options.Timestamp, ecn,
            options.UserTimeoutSeconds);
    }
}

/// <summary>
/// Answers SYNs without holding memory. The facts of the SYN are encoded in the initial sequence number (RFC 4987 section 3.6) and, if the peer uses
/// timestamps, in the low bits of the timestamp. The acknowledgment returns both.
/// </summary>
/// <remarks>
/// The sequence number is 29 bits of a keyed hash over addresses (IP addresses and the sender's Ethernet address), ports, the SYN's sequence number, the time slot and everything encoded,
/// then 3 bits of the segment size's class. Two slots are accepted, so a stranger who sees no packet guesses right once in 2^28.
/// </remarks>
internal static class SynCookies
{
    /// <summary>The time after the last cookie within which an acknowledgment may return one, in microseconds: two slots.</summary>
    public const long Lifetime = 2L << SlotShift;

    // A slot is 2^26 microseconds, 67 seconds. A cookie is valid for at least one slot.
    private const int SlotShift = 26;

    private const uint ClassMask = 7;

    // In the timestamp: four bits of window shift, one of selective acknowledgments, one of congestion notification.
    private const int OptionBits = 6;
    private const uint OptionMask = (1 << OptionBits) - 1;
    private const uint NoShift = 15;
    private const uint SackBit = 16;
    private const uint EcnBit = 32;

    // A cookie uses the largest class that is not above the size of the SYN.
    private static readonly ushort[] Classes = [88, 536, 1_220, 1_360, 1_440, 1_460, 2_740, 2_760];

    /// <summary>Returns the initial sequence number that answers a SYN, and encodes options in the timestamp.</summary>
    /// <param name="host">The host.</param>
    /// <param name="sender">The Ethernet source of the SYN. Only this sender can return the cookie.</param>
    /// <param name="local">The local endpoint.</param>
    /// <param name="remote">The remote endpoint.</param>
    /// <param name="offer">The SYN, without the options that this host does not use.</param>
    /// <param name="timestamp">The current timestamp; on return with the options in its low bits, and never later.</param>
    public static uint Make(NetworkHost host, MacAddress sender, InetEndpoint local, InetEndpoint remote, in SynOffer offer, ref uint timestamp)
    {
        var bits = 0u;
        if (offer.HasTimestamp)
        {
            bits = (offer.WindowShift < 0 ? NoShift : (uint)offer.WindowShift) | (offer.SackPermitted ? SackBit : 0)
                | (offer.Ecn ? EcnBit : 0);
            var marked = (timestamp & ~OptionMask) | bits;
            timestamp = (int)(marked - timestamp) > 0 ? marked - OptionMask - 1 : marked;
        }

        var index = Classes.Length - 1;
        var mss = offer.Mss > 0 ? offer.Mss : SegmentSize.Default(remote.Address);
        while (index > 0 && Classes[index] > mss)
            index--;
        return Sign(host, sender, local, remote, offer.Sequence, host.Now >> SlotShift, Pack((uint)index, offer.HasTimestamp, bits));
    }

    /// <summary>Reads the cookie that an acknowledgment returns. Returns false if it is not a cookie of this host, or too old.</summary>
    public static bool TryRead(NetworkHost host, MacAddress sender, InetEndpoint local, InetEndpoint remote, in TcpSegment segment, out SynOffer offer)
    {
        var cookie = segment.Acknowledgment - 1;
        var hasTimestamp = segment.Options.HasTimestamp;
        var bits = hasTimestamp ? segment.Options.TimestampEcho & OptionMask : 0;
        var index = cookie & ClassMask;
        var sequence = segment.Sequence - 1;
        var shift = bits & NoShift;
        offer = new SynOffer(sequence, Classes[index], hasTimestamp && shift != NoShift ? (int)shift : -1, (bits & SackBit) != 0,
            hasTimestamp, segment.Options.Timestamp, (bits & EcnBit) != 0, 0);
        var slot = host.Now >> SlotShift;
        var packed = Pack(index, hasTimestamp, bits);
        return cookie == Sign(host, sender, local, remote, sequence, slot, packed)
            || cookie == Sign(host, sender, local, remote, sequence, slot - 1, packed);
    }

    private static uint Pack(uint index, bool hasTimestamp, uint bits) => index | (hasTimestamp ? 8u : 0) | (bits << 4);

    private static uint Sign(NetworkHost host, MacAddress sender, InetEndpoint local, InetEndpoint remote, uint sequence, long slot, uint packed)
    {
        var near = local.Address;
        var far = remote.Address;
        var ports = ((ulong)local.Port << 16) | remote.Port;
        var hash = host.Secrets.Hash(HostSecrets.Purpose.SynCookie, ports | ((ulong)sequence << 32), near.V6High, near.V6Low ^ near.V4,
            far.V6High, far.V6Low ^ far.V4);
        // A second pass takes what the five words of the first have no room for.
        hash = host.Secrets.Hash(HostSecrets.Purpose.SynCookie, hash, (ulong)slot, packed, sender.Value);
        return ((uint)(hash >> 32) & ~ClassMask) | (packed & ClassMask);
    }
}
