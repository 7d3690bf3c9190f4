using Lanyard.Wire;
using Lanyard.Wire.Verbs;

namespace Lanyard.Dissector;

/// <summary>Describes OK, ERROR and parts of configurations.</summary>
internal static class ReplyDescriber
{
    public static Description Ok(Description text, OkMessage ok, KeyRing keys)
    {
        text.Add($"to {VerbNames.Of(ok.InReVerb)} {ok.InRePacketId:x16}");
        switch (ok.InReVerb)
        {
            case Verb.Hello when OkHelloMessage.TryParse(ok.Payload, out var hello):
                return Hello(text, hello);
            case Verb.Whois when OkWhoisMessage.TryParse(ok.Payload, out var whois):
                foreach (var serialized in whois.Identities)
                {
                    if (!Identity.TryRead(serialized, out var identity, out _))
                        return text.NotUnderstood("identity");
                    text.Add($"identity {identity.Address}");
                }

                return text;
            case Verb.ExtFrame when OkExtFrameMessage.TryParse(ok.Payload, out var frame):
                return text.Add($"{frame.NetworkId}").Trailing(frame.Trailing.Length);
            case Verb.Echo when EchoMessage.TryParse(ok.Payload, out var echo):
                return text.Add($"{echo.Data.Length} bytes");
            case Verb.NetworkConfigRequest when NetworkConfigMessage.TryParse(ok.Payload, out var config):
                return Config(text, config, keys);
            case Verb.NetworkConfig when OkNetworkConfigMessage.TryParse(ok.Payload, out var config):
                return text.Add($"{config.NetworkId} update {config.UpdateId:x16} complete").Trailing(config.Trailing.Length);
            case Verb.MulticastGather when OkMulticastGatherMessage.TryParse(ok.Payload, out var gather):
                text.Add($"{gather.NetworkId} {gather.Group} {gather.Members.Count} of {gather.TotalKnown}:");
                return PayloadDescriber.Addresses(text, gather.Members).Trailing(gather.Trailing.Length);
            case Verb.MulticastFrame when OkMulticastFrameMessage.TryParse(ok.Payload, out var frame):
                text.Add($"{frame.NetworkId} {frame.Group} {frame.Members.Count} of {frame.TotalKnown}:");
                return PayloadDescriber.Addresses(text, frame.Members).Trailing(frame.Trailing.Length);
            default:
                return text.NotUnderstood($"{ok.Payload.Length} bytes");
        }
    }

    public static Description Error(Description text, ErrorMessage error)
    {
        text.Add($"{VerbNames.Of(error.Code)} to {VerbNames.Of(error.InReVerb)} {error.InRePacketId:x16}");
        if (error.Payload.IsEmpty)
            return text;
        if (error.Code == ErrorCode.UnwantedMulticast)
        {
            return UnwantedMulticastMessage.TryParse(error.Payload, out var unwanted)
                ? text.Add($"{unwanted.NetworkId} {unwanted.Group}").Trailing(unwanted.Trailing.Length)
                : text.NotUnderstood($"{error.Payload.Length} bytes");
        }

        if (!NetworkErrorMessage.TryParse(error.Payload, out var network))
            return text.NotUnderstood($"{error.Payload.Length} bytes");
        text.Add($"{network.NetworkId}");
        if (!network.Details.IsEmpty)
            text.Add(Description.Quote(network.Details));
        return text.Trailing(network.Trailing.Length);
    }

    public static Description Config(Description text, NetworkConfigMessage config, KeyRing keys)
    {
        var end = config.ChunkIndex + (ulong)config.Chunk.Length;
        text.Add($"{config.NetworkId} bytes {config.ChunkIndex} to {end} of {config.TotalLength}");
        if (config.IsUnsigned)
            return text.Add("unsigned");
        text.Add($"update {config.UpdateId:x16}");
        if (config.SignatureKind != NetworkConfigMessage.Ed25519)
            return text.NotUnderstood($"signature of kind {config.SignatureKind}");
        var signature = keys.Find(config.NetworkId.Controller) switch
        {
            null => "signature not checked: the controller's identity is unknown",
            var controller when controller.Verify(config.Signed, config.Signature) => "signature good",
            _ => "SIGNATURE BAD",
        };
        return text.Add(signature).Trailing(config.Trailing.Length);
    }

    private static Description Hello(Description text, OkHelloMessage hello)
    {
        text.Add($"{PayloadDescriber.Version(hello.Version)}");
        if (!hello.SentTo.IsNone)
            text.Add($"sent to {hello.SentTo}");
        var worlds = new ByteReader(hello.Worlds);
        while (worlds.Remaining > 0 && World.TryRead(ref worlds, out var world))
            text.Add($"{world.Type} {world.Id:x}@{world.Timestamp} with {world.Roots.Count} roots");
        return worlds.Failed ? text.NotUnderstood("worlds") : text.Trailing(hello.Trailing.Length);
    }
}
