using System.Net.Sockets;
using Lanyard.NetStack;

namespace Lanyard;

/// <summary>The stack's errors in the system's terms.</summary>
internal static class SocketErrors
{
    public static SocketError Of(NetError error) => error switch
    {
        NetError.None => SocketError.Success,
        NetError.NoRoute or NetError.NetworkUnreachable => SocketError.NetworkUnreachable,
        NetError.AddressNotAvailable => SocketError.AddressNotAvailable,
        NetError.AddressInUse or NetError.NoPorts => SocketError.AddressAlreadyInUse,
        NetError.LimitReached => SocketError.NoBufferSpaceAvailable,
        NetError.MessageTooLong => SocketError.MessageSize,
        NetError.NotConnected => SocketError.NotConnected,
        NetError.BroadcastNotAllowed or NetError.Prohibited => SocketError.AccessDenied,
        NetError.ConnectionRefused => SocketError.ConnectionRefused,
        NetError.ConnectionReset => SocketError.ConnectionReset,
        NetError.ConnectionAborted => SocketError.ConnectionAborted,
        NetError.TimedOut => SocketError.TimedOut,
        NetError.HostUnreachable or NetError.TimeExceeded => SocketError.HostUnreachable,
        NetError.ProtocolUnreachable => SocketError.ProtocolNotSupported,
        NetError.AddressRemoved => SocketError.NetworkDown,
        NetError.Closed => SocketError.OperationAborted,
        _ => SocketError.SocketError,
    };
}
