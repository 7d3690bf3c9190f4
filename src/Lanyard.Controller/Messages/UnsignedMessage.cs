using Lanyard.Engine;
using Lanyard.Wire;

namespace Lanyard.Controller;

/// <summary>
/// A message before it is signed. Decided under the controller's lock and immutable from then on, so that <see cref="Sign"/>, which takes milliseconds, runs without
/// the lock.
/// </summary>
internal sealed class UnsignedMessage
{
    private readonly NodeAddress _to;
    private readonly NetworkId _network;
    private readonly ControllerMessageKind _kind;
    private readonly ulong _inReplyTo;
    private readonly ConfigSource? _source;
    private readonly RevocationRound? _revocation;

    private UnsignedMessage(
        NodeAddress to, NetworkId network, ControllerMessageKind kind, ulong inReplyTo = 0, ConfigSource? source = null, RevocationRound? revocation = null)
    {
        _to = to;
        _network = network;
        _kind = kind;
        _inReplyTo = inReplyTo;
        _source = source;
        _revocation = revocation;
    }

    /// <summary>Creates a configuration: a reply to a packet, or 0 for one that was not requested.</summary>
    public static UnsignedMessage Config(ConfigSource source, ulong inReplyTo) =>
        new(source.Member.Address, source.Network.Id, ControllerMessageKind.Config, inReplyTo, source);

    /// <summary>Creates a refusal, which always replies to a packet.</summary>
    public static UnsignedMessage Refusal(NodeAddress to, NetworkId network, bool networkExists, ulong inReplyTo) =>
        new(to, network, networkExists ? ControllerMessageKind.AccessDenied : ControllerMessageKind.NotFound, inReplyTo);

    /// <summary>Creates a message with a revocation.</summary>
    public static UnsignedMessage Revoke(NodeAddress to, RevocationRound revocation) =>
        new(to, revocation.Network.Record.Id, ControllerMessageKind.Revocation, revocation: revocation);

    /// <summary>Builds the message and signs its credentials.</summary>
    public ControllerMessage Sign(Identity controller) => new()
    {
        To = _to,
        Network = _network,
        Kind = _kind,
        Config = _source is null ? null : ConfigBuilder.Build(_source, controller),
        Revocation = _revocation?.Sign(controller),
        InReplyTo = _inReplyTo,
    };
}
