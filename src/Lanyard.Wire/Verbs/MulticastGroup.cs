using System.Globalization;
using Lanyard.Primitives;

namespace Lanyard.Wire;

/// <summary>
/// A multicast group of a network: an Ethernet address and a number that subdivides it. ARP for each IPv4 address has its own group:
/// the broadcast address with the IPv4 address as the number.
/// </summary>
/// <param name="Mac">The group's Ethernet address.</param>
/// <param name="Adi">The number ("additional distinguishing information"); usually 0.</param>
public readonly record struct MulticastGroup(MacAddress Mac, uint Adi)
{
    internal const int Size = MacAddress.Size + sizeof(uint);

    internal static MulticastGroup Read(scoped ref ByteReader reader) => new(reader.ReadMacAddress(), reader.ReadUInt32());

    internal void Write(ref ByteWriter writer)
    {
        writer.WriteMacAddress(Mac);
        writer.WriteUInt32(Adi);
    }

    /// <summary>Returns the address, a slash and the number in hexadecimal digits.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Mac}/{Adi:x8}");
}
