using Lanyard.Wire;
using Lanyard.Wire.Verbs;

namespace Lanyard.Controller;

/// <summary>A packet that a controller wants sent.</summary>
/// <param name="To">The receiver. It can be the controller's own node, if that is a member of a network of its own.</param>
/// <param name="Verb">OK, ERROR, NETWORK_CONFIG or NETWORK_CREDENTIALS.</param>
/// <param name="Payload">What follows the verb. A configuration's can be as long as packets get, and compresses well.</param>
public readonly record struct ControllerPacket(NodeAddress To, Verb Verb, ReadOnlyMemory<byte> Payload);

/// <summary>Puts a controller's messages into packets.</summary>
internal static class ControllerPackets
{
    /// <summary>The message's packets.</summary>
    /// <param name="message">The message.</param>
    /// <param name="controller">The controller, which signs each part of a configuration.</param>
    /// <param name="random">The source of the number by which the parts of one configuration are told from another's.</param>
    /// <param name="isTooLarge">Whether a configuration is longer than nodes read: then the receiver is told that there is none.</param>
    public static IReadOnlyList<ControllerPacket> Of(ControllerMessage message, Identity controller, RandomFill random, out bool isTooLarge)
    {
        isTooLarge = false;
        if (message.Revocation is { } revocation)
            return [Revocation(message, revocation)];
        if (message.Config is not { } config)
            return [Error(message, message.Kind == ControllerMessageKind.AccessDenied ? ErrorCode.NetworkAccessDenied : ErrorCode.ObjectNotFound)];
        if (config.TryWrite(out var text))
            return NetworkConfigSplitter.Split(message.Network, text, UpdateId(random), controller).Select(part => ConfigPart(message, part)).ToArray();
        isTooLarge = true;
        return [Error(message, ErrorCode.ObjectNotFound)];
    }

    private static ControllerPacket ConfigPart(ControllerMessage message, byte[] part)
    {
        if (message.InReplyTo == 0)
            return new ControllerPacket(message.To, Verb.NetworkConfig, part);
        var payload = new byte[OkMessage.HeaderBytes + part.Length];
        var writer = new ByteWriter(payload);
        new OkMessage { InReVerb = Verb.NetworkConfigRequest, InRePacketId = message.InReplyTo, Payload = part }.Write(ref writer);
        return new ControllerPacket(message.To, Verb.Ok, payload);
    }

    private static ControllerPacket Error(ControllerMessage message, ErrorCode code)
    {
        var writer = new ByteWriter(new byte[ErrorMessage.HeaderBytes + NetworkId.Size]);
        new ErrorMessage { InReVerb = Verb.NetworkConfigRequest, InRePacketId = message.InReplyTo, Code = code }.Write(ref writer);
        new NetworkErrorMessage { NetworkId = message.Network }.Write(ref writer);
        return new ControllerPacket(message.To, Verb.Error, writer.Written.ToArray());
    }

    private static ControllerPacket Revocation(ControllerMessage message, Revocation revocation)
    {
        // A revocation has 53 bytes before its signature, and the lists around it nine.
        var writer = new ByteWriter(new byte[256]);
        new NetworkCredentialsMessage { Revocations = [revocation] }.Write(ref writer);
        return new ControllerPacket(message.To, Verb.NetworkCredentials, writer.Written.ToArray());
    }

    private static ulong UpdateId(RandomFill random)
    {
        Span<byte> bytes = stackalloc byte[8];
        random(bytes);
        return BitConverter.ToUInt64(bytes) | 1;
    }
}
