namespace Lanyard.Wire.Packets;

/// <summary>The kind of a UDP datagram, by its length and its header.</summary>
public enum DatagramKind : byte
{
    /// <summary>A packet or the head of a fragmented packet, for <see cref="PacketView"/>.</summary>
    Packet,

    /// <summary>A later fragment of a packet, for <see cref="FragmentView"/>.</summary>
    Fragment,

    /// <summary>A LAN announcement of nodes before 1.0.4: 13 bytes, of which the last five are the sender's address.</summary>
    Beacon,

    /// <summary>Up to 16 bytes without meaning, sent to open a NAT or a firewall.</summary>
    HolePunch,

    /// <summary>Not a datagram of the protocol: too short or too long for a packet, or a fragment with invalid numbers.</summary>
    Invalid,
}

/// <summary>Classifies datagrams.</summary>
public static class Datagram
{
    private const int BeaconBytes = 13;

    /// <summary>Returns the kind of a datagram.</summary>
    public static DatagramKind Classify(ReadOnlySpan<byte> datagram)
    {
        if (datagram.Length == BeaconBytes)
            return DatagramKind.Beacon;
        if (datagram.Length <= PacketFormat.FragmentHeaderBytes)
            return DatagramKind.HolePunch;
        if (datagram[PacketFormat.FragmentIndicatorOffset] == PacketFormat.FragmentIndicator)
            return FragmentView.TryParse(datagram, out _) ? DatagramKind.Fragment : DatagramKind.Invalid;
        return PacketView.TryParse(datagram, out _) ? DatagramKind.Packet : DatagramKind.Invalid;
    }

    /// <summary>Returns the sender's address in a <see cref="DatagramKind.Beacon"/>.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The datagram is shorter than a beacon.</exception>
    public static NodeAddress BeaconSender(ReadOnlySpan<byte> beacon) => NodeAddress.Read(beacon[(BeaconBytes - NodeAddress.Size)..]);
}
