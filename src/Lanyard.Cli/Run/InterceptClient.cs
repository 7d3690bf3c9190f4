using System.Net.Sockets;
using System.Runtime.InteropServices;
using Lanyard.Service.Intercept;

namespace Lanyard.Cli.Run;

/// <summary>Where a program's ports are that it opens without naming an address.</summary>
internal enum ListenPlace
{
    Virtual,
    Host,
    Both,
}

/// <summary>How a supervised program sees networks.</summary>
/// <param name="SocketPath">Where the service is found.</param>
/// <param name="Network">The one network that it sees; 0 for all.</param>
/// <param name="IsIsolated">Whether it is kept off the system's network.</param>
/// <param name="Listening">Where its ports are.</param>
internal sealed record SuperviseOptions(string SocketPath, ulong Network, bool IsIsolated, ListenPlace Listening);

/// <summary>Asks the service, as the library that is preloaded does: one request and one reply on a connection of its local socket.</summary>
internal sealed class InterceptClient(SuperviseOptions options)
{
    private static readonly int s_replyBytes = Marshal.SizeOf<InterceptReply>();

    /// <summary>A request to be filled in.</summary>
    public InterceptRequest For(InterceptOperation operation, SocketDescriptor socket) => new()
    {
        Magic = InterceptRequest.ExpectedMagic,
        Operation = operation,
        Network = options.Network,
        Type = socket.Type,
        Flags = socket.Domain == Kernel.DomainV6 ? InterceptFlags.V6Socket : InterceptFlags.None,
    };

    /// <summary>Asks. Where no service answers, the reply's error says that the network is down.</summary>
    /// <exception cref="OperationCanceledException">The program does not wait any longer.</exception>
    public async ValueTask<InterceptReply> AskAsync(InterceptRequest request, CancellationToken interrupted)
    {
        try
        {
            using var socket = new Socket(AddressFamily.Unix, SocketType.Seqpacket, ProtocolType.Unspecified);
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(options.SocketPath), interrupted).ConfigureAwait(false);
            var message = new byte[Math.Max(Marshal.SizeOf<InterceptRequest>(), s_replyBytes)];
            MemoryMarshal.Write(message, request);
            await socket.SendAsync(message.AsMemory(0, Marshal.SizeOf<InterceptRequest>()), interrupted).ConfigureAwait(false);
            var length = await socket.ReceiveAsync(message, interrupted).ConfigureAwait(false);
            if (length >= s_replyBytes && MemoryMarshal.Read<InterceptReply>(message) is { Magic: InterceptRequest.ExpectedMagic } reply)
                return reply;
        }
        catch (SocketException failure)
        {
            return InterceptReply.Failed(failure.SocketErrorCode == SocketError.AccessDenied ? Errno.AccessDenied : Errno.NetworkDown);
        }

        return InterceptReply.Failed(Errno.NetworkDown);
    }
}
