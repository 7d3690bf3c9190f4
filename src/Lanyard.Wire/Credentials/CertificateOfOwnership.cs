using System.Diagnostics.CodeAnalysis;
using Lanyard.Primitives;

namespace Lanyard.Wire;

/// <summary>The kinds of <see cref="OwnedThing"/> of a <see cref="CertificateOfOwnership"/>. Unknown values are kept.</summary>
public enum OwnedThingType : byte
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary>An Ethernet address.</summary>
    MacAddress = 1,

    /// <summary>An IPv4 address.</summary>
    IPv4Address = 2,

    /// <summary>An IPv6 address.</summary>
    IPv6Address = 3,
}

/// <summary>One thing that a member owns.</summary>
/// <param name="Type">The kind.</param>
/// <param name="High">
/// The first eight bytes of its value on the wire, as a number. A value shorter than sixteen bytes is padded with zeros at the end.
/// </param>
/// <param name="Low">The last eight bytes of its value.</param>
public readonly record struct OwnedThing(OwnedThingType Type, ulong High, ulong Low)
{
    /// <summary>The length on the wire in bytes.</summary>
    internal const int Size = 17;

    /// <summary>Creates a thing from an IP address; none for the default address.</summary>
    public static OwnedThing From(InetAddress address) => address.Family switch
    {
        InetFamily.IPv4 => new(OwnedThingType.IPv4Address, (ulong)address.V4 << 32, 0),
        InetFamily.IPv6 => new(OwnedThingType.IPv6Address, address.V6High, address.V6Low),
        _ => default,
    };

    /// <summary>Creates a thing from an Ethernet address.</summary>
    public static OwnedThing From(MacAddress address) => new(OwnedThingType.MacAddress, address.Value << 16, 0);

    /// <summary>The IP address, or the default value if the thing is not an IP address.</summary>
    public InetAddress Address => Type switch
    {
        OwnedThingType.IPv4Address => InetAddress.FromV4((uint)(High >> 32)),
        OwnedThingType.IPv6Address => InetAddress.FromV6(High, Low),
        _ => default,
    };

    /// <summary>The Ethernet address, or the default value if the thing is not an Ethernet address.</summary>
    public MacAddress Mac => Type == OwnedThingType.MacAddress ? new MacAddress(High >> 16) : default;
}

/// <summary>A controller's statement that IP or Ethernet addresses belong to a member, so that rules can check which member sends from them.</summary>
public sealed record CertificateOfOwnership : ControllerSigned<CertificateOfOwnership>, ICredential
{
    internal const int MaxBodyLength = 8 + 8 + 8 + 4 + 2 + (NetworkLimits.OwnedThings * OwnedThing.Size) + NodeAddress.Size + NodeAddress.Size;

    /// <inheritdoc/>
    public CredentialType Type => CredentialType.Ownership;

    /// <inheritdoc/>
    public required long Timestamp { get; init; }

    /// <summary>Flags; none is defined.</summary>
    public ulong Flags { get; init; }

    /// <inheritdoc/>
    public required uint Id { get; init; }

    /// <summary>The owned things: at most <see cref="NetworkLimits.OwnedThings"/>.</summary>
    public required EquatableArray<OwnedThing> Things { get; init; }

    /// <inheritdoc/>
    public required NodeAddress IssuedTo { get; init; }

    /// <summary>Whether an IP address is among the things.</summary>
    public bool Owns(InetAddress address) => address.Family != InetFamily.None && Owns(OwnedThing.From(address));

    /// <summary>Whether an Ethernet address is among the things.</summary>
    public bool Owns(MacAddress address) => Owns(OwnedThing.From(address));

    /// <summary>Reads a certificate; the signature is not checked. A certificate with more things than allowed is malformed.</summary>
    public static bool TryRead(ref ByteReader reader, [NotNullWhen(true)] out CertificateOfOwnership? certificate)
    {
        certificate = new CertificateOfOwnership
        {
            NetworkId = reader.ReadNetworkId(),
            Timestamp = reader.ReadInt64(),
            Flags = reader.ReadUInt64(),
            Id = reader.ReadUInt32(),
            Things = ReadThings(ref reader),
            IssuedTo = reader.ReadNodeAddress(),
            SignedBy = reader.ReadNodeAddress(),
            Signature = CredentialFormat.ReadSignature(ref reader),
        };
        CredentialFormat.SkipAdditionalFields(ref reader);
        if (reader.Failed)
            certificate = null;
        return certificate is not null;
    }

    private bool Owns(OwnedThing thing) => Things.Span.IndexOf(thing) >= 0;

    private static EquatableArray<OwnedThing> ReadThings(ref ByteReader reader)
    {
        var count = reader.ReadUInt16();
        if (count > NetworkLimits.OwnedThings || count * OwnedThing.Size > reader.Remaining)
        {
            reader.Fail();
            return default;
        }

        var things = new OwnedThing[count];
        foreach (ref var thing in things.AsSpan())
            thing = new OwnedThing((OwnedThingType)reader.ReadByte(), reader.ReadUInt64(), reader.ReadUInt64());
        return new EquatableArray<OwnedThing>(things);
    }

    private protected override void WriteBody(ref ByteWriter writer)
    {
        writer.WriteNetworkId(NetworkId);
        writer.WriteInt64(Timestamp);
        writer.WriteUInt64(Flags);
        writer.WriteUInt32(Id);
        writer.WriteUInt16((ushort)Things.Count);
        foreach (var thing in Things)
        {
            writer.WriteByte((byte)thing.Type);
            writer.WriteUInt64(thing.High);
            writer.WriteUInt64(thing.Low);
        }

        writer.WriteNodeAddress(IssuedTo);
        writer.WriteNodeAddress(SignedBy);
    }
}
