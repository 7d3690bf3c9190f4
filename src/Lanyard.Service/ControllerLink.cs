using Lanyard.Controller;
using Lanyard.Engine;
using Lanyard.Primitives;
using Lanyard.Wire;

namespace Lanyard.Service;

/// <summary>
/// Hands a node's requests for configurations to its controller. Until there is one, requests stay unanswered: whoever asks asks again, and
/// does not take it that the network is gone.
/// </summary>
internal sealed class ControllerLink : INetworkController
{
    private static readonly ControllerReply Unanswered = new(ControllerReplyKind.Ignore);

    private volatile NetworkController? _controller;

    /// <summary>The controller, once it is there.</summary>
    public NetworkController? Controller { get => _controller; set => _controller = value; }

    /// <inheritdoc/>
    public Identity? FindIdentity(NodeAddress member) => _controller?.FindIdentity(member);

    /// <inheritdoc/>
    public ControllerReply Handle(long nowMs, Identity requester, in InetEndpoint endpoint, NetworkId network, ReadOnlySpan<byte> metadata)
    {
        if (_controller?.HandleRequest(nowMs, requester, endpoint, network, metadata, packetId: 0).Message is not { } message)
            return Unanswered;
        return message.Kind switch
        {
            ControllerMessageKind.Config => new ControllerReply(ControllerReplyKind.Config, message.Config),
            ControllerMessageKind.NotFound => new ControllerReply(ControllerReplyKind.NotFound),
            ControllerMessageKind.AccessDenied => new ControllerReply(ControllerReplyKind.AccessDenied),
            _ => Unanswered,
        };
    }
}
