using Lanyard.Wire.Verbs;

namespace Lanyard.Wire.Tests.Verbs;

/// <summary>Parses a payload by its verb and writes the parsed message.</summary>
internal static class VerbRewriter
{
    private const int MaxBytes = 1 << 16;

    /// <summary>The payload written anew, or null where it is not understood to its end.</summary>
    public static byte[]? Rewrite(Verb verb, ReadOnlySpan<byte> payload)
    {
        var writer = new ByteWriter(new byte[MaxBytes]);
        return Rewrite(verb, payload, ref writer) && !writer.Failed ? writer.Written.ToArray() : null;
    }

    private static bool Rewrite(Verb verb, ReadOnlySpan<byte> payload, ref ByteWriter writer)
    {
        switch (verb)
        {
            case Verb.Nop when NopMessage.TryParse(payload, out var nop):
                nop.Write(ref writer);
                return true;
            case Verb.Hello when HelloMessage.TryParse(payload, out var hello) && MoonStampList.TryParse(hello.Tail, out var moons):
                hello.Write(ref writer);
                var stamps = new WorldStamp[moons.Count];
                for (var i = 0; i < stamps.Length; i++)
                    stamps[i] = moons[i];
                MoonStampList.Write(ref writer, stamps);
                return moons.Trailing.IsEmpty;
            case Verb.Error when ErrorMessage.TryParse(payload, out var error):
                (error with { Payload = default }).Write(ref writer);
                return RewriteError(error, ref writer);
            case Verb.Ok when OkMessage.TryParse(payload, out var ok):
                (ok with { Payload = default }).Write(ref writer);
                return RewriteOk(ok, ref writer);
            case Verb.Whois when WhoisMessage.TryParse(payload, out var whois):
                WhoisMessage.Write(ref writer, ToArray(whois.Addresses));
                return whois.Trailing.IsEmpty;
            case Verb.Rendezvous when RendezvousMessage.TryParse(payload, out var rendezvous):
                rendezvous.Write(ref writer);
                return rendezvous.Trailing.IsEmpty;
            case Verb.Frame when FrameMessage.TryParse(payload, out var frame):
                frame.Write(ref writer);
                return true;
            case Verb.ExtFrame when ExtFrameMessage.TryParse(payload, out var frame):
                frame.Write(ref writer);
                return true;
            case Verb.Echo when EchoMessage.TryParse(payload, out var echo):
                echo.Write(ref writer);
                return true;
            case Verb.MulticastLike when MulticastLikeMessage.TryParse(payload, out var like):
                var subscriptions = new MulticastSubscription[like.Count];
                for (var i = 0; i < subscriptions.Length; i++)
                    subscriptions[i] = like[i];
                MulticastLikeMessage.Write(ref writer, subscriptions);
                return true;
            case Verb.NetworkCredentials when NetworkCredentialsMessage.TryParse(payload, out var credentials):
                credentials.Write(ref writer);
                return credentials.TrailingBytes == 0;
            case Verb.NetworkConfigRequest when NetworkConfigRequestMessage.TryParse(payload, out var request):
                request.Write(ref writer);
                return request.Trailing.IsEmpty;
            case Verb.NetworkConfig:
                return RewriteConfig(payload, ref writer);
            case Verb.MulticastGather when MulticastGatherMessage.TryParse(payload, out var gather):
                gather.Write(ref writer);
                return gather.Trailing.IsEmpty;
            case Verb.MulticastFrame when MulticastFrameMessage.TryParse(payload, out var frame):
                frame.Write(ref writer);
                return true;
            case Verb.PushDirectPaths when PushDirectPathsMessage.TryParse(payload, out var push):
                var paths = new List<DirectPath>();
                foreach (var path in push)
                    paths.Add(path);
                PushDirectPathsMessage.Write(ref writer, paths.ToArray());
                return push.IsPlain && push.Trailing.IsEmpty;
            case Verb.Ack when AckMessage.TryParse(payload, out var ack):
                ack.Write(ref writer);
                return ack.Trailing.IsEmpty;
            case Verb.QosMeasurement when QosMeasurementMessage.TryParse(payload, out var qos):
                var records = new QosRecord[qos.Count];
                for (var i = 0; i < records.Length; i++)
                    records[i] = qos[i];
                QosMeasurementMessage.Write(ref writer, records);
                return true;
            case Verb.UserMessage when UserMessage.TryParse(payload, out var message):
                message.Write(ref writer);
                return true;
            case Verb.RemoteTrace when RemoteTraceMessage.TryParse(payload, out var trace):
                foreach (var dictionary in trace)
                    RemoteTraceMessage.Write(ref writer, dictionary);
                return true;
            case Verb.PathNegotiationRequest when PathNegotiationMessage.TryParse(payload, out var negotiation):
                negotiation.Write(ref writer);
                return negotiation.Trailing.IsEmpty;
            default:
                return false;
        }
    }

    private static bool RewriteOk(OkMessage ok, ref ByteWriter writer)
    {
        switch (ok.InReVerb)
        {
            case Verb.Hello when OkHelloMessage.TryParse(ok.Payload, out var hello):
                (hello with { Worlds = RewriteWorlds(hello.Worlds) }).Write(ref writer);
                return hello.Trailing.IsEmpty;
            case Verb.Whois when OkWhoisMessage.TryParse(ok.Payload, out var whois):
                foreach (var serialized in whois.Identities)
                {
                    if (!Identity.TryRead(serialized, out var identity, out _))
                        return false;
                    identity.Write(writer.Reserve(Identity.BinarySize));
                }

                return true;
            case Verb.ExtFrame when OkExtFrameMessage.TryParse(ok.Payload, out var frame):
                frame.Write(ref writer);
                return frame.Trailing.IsEmpty;
            case Verb.Echo when EchoMessage.TryParse(ok.Payload, out var echo):
                echo.Write(ref writer);
                return true;
            case Verb.NetworkConfigRequest:
                return RewriteConfig(ok.Payload, ref writer);
            case Verb.NetworkConfig when OkNetworkConfigMessage.TryParse(ok.Payload, out var config):
                config.Write(ref writer);
                return config.Trailing.IsEmpty;
            case Verb.MulticastGather when OkMulticastGatherMessage.TryParse(ok.Payload, out var gather):
                gather.Write(ref writer, ToArray(gather.Members));
                return gather.Trailing.IsEmpty;
            case Verb.MulticastFrame when OkMulticastFrameMessage.TryParse(ok.Payload, out var frame):
                frame.Write(ref writer, ToArray(frame.Members));
                return frame.Trailing.IsEmpty;
            default:
                return false;
        }
    }

    private static bool RewriteError(ErrorMessage error, ref ByteWriter writer)
    {
        switch (error.InReVerb, error.Code)
        {
            case (Verb.MulticastFrame, ErrorCode.UnwantedMulticast) when UnwantedMulticastMessage.TryParse(error.Payload, out var unwanted):
                unwanted.Write(ref writer);
                return unwanted.Trailing.IsEmpty;
            case (Verb.NetworkConfigRequest, _) or (_, ErrorCode.NeedMembershipCertificate)
                when NetworkErrorMessage.TryParse(error.Payload, out var network):
                network.Write(ref writer);
                return network.Trailing.IsEmpty;
            default:
                return error.Payload.IsEmpty;
        }
    }

    private static bool RewriteConfig(ReadOnlySpan<byte> payload, ref ByteWriter writer)
    {
        if (!NetworkConfigMessage.TryParse(payload, out var config) || config.IsUnsigned || config.SignatureKind != NetworkConfigMessage.Ed25519)
            return false;
        config.WriteSigned(ref writer);
        NetworkConfigMessage.WriteSignature(ref writer, config.Signature);
        return config.Trailing.IsEmpty;
    }

    private static byte[] RewriteWorlds(ReadOnlySpan<byte> worlds)
    {
        var reader = new ByteReader(worlds);
        var writer = new ByteWriter(new byte[MaxBytes]);
        while (reader.Remaining > 0 && World.TryRead(ref reader, out var world))
            world.Write(ref writer);
        return writer.Written.ToArray();
    }

    private static NodeAddress[] ToArray(NodeAddressList list)
    {
        var addresses = new NodeAddress[list.Count];
        for (var i = 0; i < addresses.Length; i++)
            addresses[i] = list[i];
        return addresses;
    }
}
