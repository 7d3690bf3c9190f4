using Lanyard.Wire;
using Lanyard.Wire.Verbs;

namespace Lanyard.Dissector;

/// <summary>Describes payloads of packets.</summary>
public static class PayloadDescriber
{
    /// <summary>Describes a payload. Every payload has a description.</summary>
    /// <param name="verb">The packet's verb.</param>
    /// <param name="payload">The payload, decrypted and expanded.</param>
    /// <param name="keys">The known identities, to check signatures with.</param>
    public static Description Describe(Verb verb, ReadOnlySpan<byte> payload, KeyRing keys)
    {
        ArgumentNullException.ThrowIfNull(keys);
        var text = new Description();
        switch (verb)
        {
            case Verb.Nop when NopMessage.TryParse(payload, out var nop):
                return nop.Ignored.IsEmpty ? text : text.Add($"{nop.Ignored.Length} bytes, ignored");
            case Verb.Hello when HelloMessage.TryParse(payload, out var hello):
                return Hello(text, hello);
            case Verb.Error when ErrorMessage.TryParse(payload, out var error):
                return ReplyDescriber.Error(text, error);
            case Verb.Ok when OkMessage.TryParse(payload, out var ok):
                return ReplyDescriber.Ok(text, ok, keys);
            case Verb.Whois when WhoisMessage.TryParse(payload, out var whois):
                return Addresses(text, whois.Addresses).Trailing(whois.Trailing.Length);
            case Verb.Rendezvous when RendezvousMessage.TryParse(payload, out var rendezvous):
                return text.Add($"{rendezvous.Peer} may be at {rendezvous.Endpoint}").Trailing(rendezvous.Trailing.Length);
            case Verb.Frame when FrameMessage.TryParse(payload, out var frame):
                return text.Add($"{frame.NetworkId} {FrameDescriber.Describe(frame.EtherType, frame.Data)}");
            case Verb.ExtFrame when ExtFrameMessage.TryParse(payload, out var frame):
                return ExtFrame(text, frame);
            case Verb.Echo when EchoMessage.TryParse(payload, out var echo):
                return text.Add($"{echo.Data.Length} bytes");
            case Verb.MulticastLike when MulticastLikeMessage.TryParse(payload, out var like):
                for (var i = 0; i < like.Count; i++)
                    text.Add($"{like[i].NetworkId} {like[i].Group}");
                return text;
            case Verb.NetworkCredentials when NetworkCredentialsMessage.TryParse(payload, out var credentials):
                return Credentials(text, credentials);
            case Verb.NetworkConfigRequest when NetworkConfigRequestMessage.TryParse(payload, out var request):
                return text.Add($"{request.NetworkId} has revision {request.Revision}; {Description.Quote(request.Metadata)}")
                    .Trailing(request.Trailing.Length);
            case Verb.NetworkConfig when NetworkConfigMessage.TryParse(payload, out var config):
                return ReplyDescriber.Config(text, config, keys);
            case Verb.MulticastGather when MulticastGatherMessage.TryParse(payload, out var gather):
                return text.Add($"{gather.NetworkId} {gather.Group} up to {gather.Limit}{(gather.Certificate.IsEmpty ? "" : " with certificate")}")
                    .Trailing(gather.Trailing.Length);
            case Verb.MulticastFrame when MulticastFrameMessage.TryParse(payload, out var frame):
                return MulticastFrame(text, frame);
            case Verb.PushDirectPaths when PushDirectPathsMessage.TryParse(payload, out var paths):
                return Paths(text, paths);
            case Verb.Ack when AckMessage.TryParse(payload, out var ack):
                return text.Add($"{ack.Bytes} bytes received").Trailing(ack.Trailing.Length);
            case Verb.QosMeasurement when QosMeasurementMessage.TryParse(payload, out var qos):
                return text.Add($"{qos.Count} records");
            case Verb.UserMessage when UserMessage.TryParse(payload, out var message):
                return text.Add($"type {message.Type:x16} {Description.Quote(message.Data)}");
            case Verb.RemoteTrace when RemoteTraceMessage.TryParse(payload, out var trace):
                foreach (var dictionary in trace)
                    text.Add(Description.Quote(dictionary));
                return text;
            case Verb.PathNegotiationRequest when PathNegotiationMessage.TryParse(payload, out var negotiation):
                return text.Add($"utility {negotiation.Utility}").Trailing(negotiation.Trailing.Length);
            default:
                return text.NotUnderstood($"{payload.Length} bytes");
        }
    }

    internal static Description Addresses(Description text, NodeAddressList addresses)
    {
        for (var i = 0; i < addresses.Count; i++)
            text.Add(addresses[i].ToString());
        return text;
    }

    internal static string Version(NodeVersion version) => $"{version.Major}.{version.Minor}.{version.Revision} (protocol {version.Protocol})";

    private static Description Hello(Description text, HelloMessage hello)
    {
        text.Add(Version(hello.Version));
        if (!Identity.TryRead(hello.Identity, out var identity, out _))
            return text.NotUnderstood("identity");
        text.Add($"identity {identity.Address}");
        if (!hello.SentTo.IsNone)
            text.Add($"sent to {hello.SentTo}");
        if (hello.Planet != default)
            text.Add($"planet {hello.Planet.Id}@{hello.Planet.Timestamp}");
        if (!MoonStampList.TryParse(hello.Tail, out var moons))
            return text.NotUnderstood("list of moons");
        for (var i = 0; i < moons.Count; i++)
            text.Add($"moon {moons[i].Id:x10}@{moons[i].Timestamp}");
        return text.Trailing(moons.Trailing.Length);
    }

    private static Description ExtFrame(Description text, ExtFrameMessage frame)
    {
        text.Add($"{frame.NetworkId} {frame.Source} > {frame.Destination}");
        var reason = frame.Flags & ExtFrameFlags.ReasonMask;
        if (reason != ExtFrameFlags.None)
            text.Add(reason.ToString());
        if ((frame.Flags & ExtFrameFlags.AckWanted) != 0)
            text.Add("answer wanted");
        return text.Add(FrameDescriber.Describe(frame.EtherType, frame.Data));
    }

    private static Description MulticastFrame(Description text, MulticastFrameMessage frame)
    {
        text.Add($"{frame.NetworkId} to {frame.Group}");
        if ((frame.Flags & MulticastFrameFlags.HasSource) != 0)
            text.Add($"from {frame.Source}");
        if ((frame.Flags & MulticastFrameFlags.Gather) != 0)
            text.Add($"gather up to {frame.GatherLimit}");
        if ((frame.Flags & MulticastFrameFlags.Replicate) != 0)
            text.Add("to replicate");
        return text.Add(FrameDescriber.Describe(frame.EtherType, frame.Data));
    }

    private static Description Credentials(Description text, NetworkCredentialsMessage message)
    {
        foreach (var membership in message.Memberships)
            text.Add($"membership of {membership.IssuedTo} in {membership.NetworkId}@{membership.Timestamp}");
        foreach (var capability in message.Capabilities)
            text.Add($"capability {capability.Id} of {capability.IssuedTo} in {capability.NetworkId}");
        foreach (var tag in message.Tags)
            text.Add($"tag {tag.Id}={tag.Value} of {tag.IssuedTo} in {tag.NetworkId}");
        foreach (var revocation in message.Revocations)
        {
            text.Add($"revocation of {revocation.CredentialType} {revocation.CredentialId} of {revocation.Target}");
            text.Add($"in {revocation.NetworkId} up to {revocation.Threshold}");
        }

        foreach (var ownership in message.Ownerships)
            text.Add($"ownership of {ownership.Things.Count} addresses by {ownership.IssuedTo} in {ownership.NetworkId}");
        return text.Trailing(message.TrailingBytes);
    }

    private static Description Paths(Description text, PushDirectPathsMessage message)
    {
        foreach (var path in message)
            text.Add(path.Flags == DirectPathFlags.None ? path.Endpoint.ToString() : $"{path.Endpoint} ({path.Flags})");
        if (!message.IsPlain)
            text.NotUnderstood("a path of another kind");
        return text.Trailing(message.Trailing.Length);
    }
}
