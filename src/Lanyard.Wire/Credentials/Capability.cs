using System.Diagnostics.CodeAnalysis;

namespace Lanyard.Wire;

/// <summary>One step in the chain of custody of a <see cref="Capability"/>, from the controller to its holder.</summary>
/// <param name="To">The receiver of the capability.</param>
/// <param name="From">The giver, who signed the step: the network's controller, or the previous holder.</param>
/// <param name="Signature">The signature: 96 bytes, or empty.</param>
public readonly record struct CapabilityCustody(NodeAddress To, NodeAddress From, EquatableArray<byte> Signature);

/// <summary>
/// Rules that apply to a member's frames in addition to the network's rules: if those make no decision, a frame passes if one of the sender's
/// capabilities accepts it. The sender shows the capability to the receiver, which applies it too.
/// </summary>
public sealed record Capability : ICredential
{
    private const int SignedLengthWithoutRules = 8 + 8 + 8 + 4 + 2 + 1 + 2 + 8;

    /// <inheritdoc/>
    public CredentialType Type => CredentialType.Capability;

    /// <inheritdoc/>
    public required NetworkId NetworkId { get; init; }

    /// <inheritdoc/>
    public required long Timestamp { get; init; }

    /// <summary>The number of this capability in the network; capabilities are evaluated in ascending order of it.</summary>
    public required uint Id { get; init; }

    /// <summary>The rules: at most <see cref="NetworkLimits.CapabilityRules"/>.</summary>
    public required EquatableArray<Rule> Rules { get; init; }

    /// <summary>
    /// The maximum length of the chain of custody: 1 to <see cref="NetworkLimits.CapabilityCustody"/>; with 1, the holder cannot hand it on.
    /// </summary>
    public byte MaxCustody { get; init; } = 1;

    /// <summary>
    /// The chain of custody from the controller to the holder: at most <see cref="MaxCustody"/> steps. Empty before the first signature.
    /// </summary>
    public EquatableArray<CapabilityCustody> Custody { get; init; }

    /// <summary>The holder: the receiver of the last step of <see cref="Custody"/>.</summary>
    public NodeAddress IssuedTo => Custody.IsEmpty ? default : Custody[Custody.Count - 1].To;

    /// <summary>The signer of the first step of <see cref="Custody"/>.</summary>
    public NodeAddress SignedBy => Custody.IsEmpty ? default : Custody[0].From;

    /// <summary>Reads a capability; the signatures are not checked. A capability with more rules or holders than allowed is malformed.</summary>
    public static bool TryRead(ref ByteReader reader, [NotNullWhen(true)] out Capability? capability)
    {
        capability = null;
        var network = reader.ReadNetworkId();
        var timestamp = reader.ReadInt64();
        var id = reader.ReadUInt32();
        var ruleCount = reader.ReadUInt16();
        if (ruleCount > NetworkLimits.CapabilityRules)
            reader.Fail();
        var rules = Rule.ReadAll(ref reader, ruleCount);
        if (rules.Count != ruleCount)
            reader.Fail();
        var maxCustody = reader.ReadByte();
        var custody = ReadCustody(ref reader, maxCustody);
        CredentialFormat.SkipAdditionalFields(ref reader);
        if (reader.Failed)
            return false;
        capability = new Capability
        {
            NetworkId = network,
            Timestamp = timestamp,
            Id = id,
            Rules = rules,
            MaxCustody = maxCustody,
            Custody = custody,
        };
        return true;
    }

    /// <inheritdoc/>
    public void Write(ref ByteWriter writer)
    {
        WriteBody(ref writer);
        foreach (ref readonly var step in Custody)
        {
            writer.WriteNodeAddress(step.To);
            writer.WriteNodeAddress(step.From);
            CredentialFormat.WriteSignature(ref writer, step.Signature);
        }

        writer.WriteNodeAddress(default);
        CredentialFormat.WriteNoAdditionalFields(ref writer);
    }

    /// <summary>Returns the capability with one more step of custody, signed by the giver.</summary>
    /// <param name="from">The giver: the controller, or the current holder.</param>
    /// <param name="to">The receiver.</param>
    /// <exception cref="InvalidOperationException">
    /// <paramref name="from"/> has no secret keys, or there are too many rules or holders.
    /// </exception>
    public Capability Sign(Identity from, NodeAddress to)
    {
        ArgumentNullException.ThrowIfNull(from);
        if (Custody.Count >= Math.Min((int)MaxCustody, NetworkLimits.CapabilityCustody))
            throw new InvalidOperationException($"This capability has {MaxCustody} holders, its maximum, and cannot be handed on.");
        if (Rules.Count > NetworkLimits.CapabilityRules)
            throw new InvalidOperationException($"A capability has at most {NetworkLimits.CapabilityRules} rules, not {Rules.Count}.");
        var steps = new CapabilityCustody[Custody.Count + 1];
        Custody.Span.CopyTo(steps);
        steps[^1] = new CapabilityCustody(to, from.Address, CredentialFormat.Sign(from, SignedBytes()));
        return this with { Custody = new(steps) };
    }

    /// <summary>
    /// Whether the network's controller gave the capability directly to its holder, and is <paramref name="controller"/>. False for a capability that
    /// was handed on.
    /// </summary>
    public bool Verify(Identity controller)
    {
        ArgumentNullException.ThrowIfNull(controller);
        return Custody.Count == 1 && Verify(address => address == controller.Address ? controller : null, out _);
    }

    /// <summary>Whether each step of custody is signed: the first by the network's controller, each other by the previous holder.</summary>
    /// <param name="identities">Returns the identity of an address, or null if it is unknown.</param>
    /// <param name="unknown">The address whose identity is unknown; none otherwise.</param>
    public bool Verify(Func<NodeAddress, Identity?> identities, out NodeAddress unknown)
    {
        ArgumentNullException.ThrowIfNull(identities);
        unknown = default;
        if (Custody.IsEmpty || Custody.Count > Math.Min((int)MaxCustody, NetworkLimits.CapabilityCustody)
            || Rules.Count > NetworkLimits.CapabilityRules)
            return false;
        var message = SignedBytes();
        var giver = NetworkId.Controller;
        foreach (ref readonly var step in Custody)
        {
            if (giver.IsNone || step.From != giver || step.To.IsNone)
                return false;
            if (identities(giver) is not { } signer)
            {
                unknown = giver;
                return false;
            }

            if (signer.Address != giver || !CredentialFormat.Verify(signer, message, step.Signature))
                return false;
            giver = step.To;
        }

        return true;
    }

    private static EquatableArray<CapabilityCustody> ReadCustody(ref ByteReader reader, byte maxCustody)
    {
        if (maxCustody is < 1 or > NetworkLimits.CapabilityCustody)
            reader.Fail();
        var steps = new List<CapabilityCustody>(1);
        while (reader.ReadNodeAddress() is { IsNone: false } to)
        {
            if (steps.Count == maxCustody)
            {
                reader.Fail();
                break;
            }

            steps.Add(new CapabilityCustody(to, reader.ReadNodeAddress(), CredentialFormat.ReadSignature(ref reader)));
        }

        return steps.ToEquatableArray();
    }

    private byte[] SignedBytes()
    {
        var length = SignedLengthWithoutRules;
        foreach (ref readonly var rule in Rules)
            length += rule.Length;
        var bytes = new byte[length];
        var writer = new ByteWriter(bytes);
        CredentialFormat.BeginSigned(ref writer);
        WriteBody(ref writer);
        CredentialFormat.EndSigned(ref writer);
        return bytes;
    }

    private void WriteBody(ref ByteWriter writer)
    {
        writer.WriteNetworkId(NetworkId);
        writer.WriteInt64(Timestamp);
        writer.WriteUInt32(Id);
        writer.WriteUInt16((ushort)Rules.Count);
        Rule.WriteAll(ref writer, Rules);
        writer.WriteByte(MaxCustody);
    }
}
