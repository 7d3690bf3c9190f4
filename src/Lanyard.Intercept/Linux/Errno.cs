using System.Net.Sockets;

namespace Lanyard.Intercept.Linux;

/// <summary>Error numbers of Linux (<c>errno(3)</c>).</summary>
internal static class Errno
{
    public const int Interrupted = 4; // EINTR
    public const int NoSuchFile = 2; // ENOENT
    public const int InputOutput = 5; // EIO
    public const int BadDescriptor = 9; // EBADF
    public const int TryAgain = 11; // EAGAIN
    public const int AccessDenied = 13; // EACCES
    public const int BadAddress = 14; // EFAULT
    public const int BadRequest = 22; // EINVAL
    public const int TooManyFiles = 24; // EMFILE
    public const int MessageTooLong = 90; // EMSGSIZE
    public const int NoSuchCall = 38; // ENOSYS
    public const int NoSuchOption = 92; // ENOPROTOOPT
    public const int ProtocolNotSupported = 93; // EPROTONOSUPPORT
    public const int NotSupported = 95; // EOPNOTSUPP
    public const int AddressFamilyNotSupported = 97; // EAFNOSUPPORT
    public const int AddressInUse = 98; // EADDRINUSE
    public const int AddressNotAvailable = 99; // EADDRNOTAVAIL
    public const int NetworkDown = 100; // ENETDOWN
    public const int NetworkUnreachable = 101; // ENETUNREACH
    public const int ConnectionAborted = 103; // ECONNABORTED
    public const int ConnectionReset = 104; // ECONNRESET
    public const int NoBufferSpace = 105; // ENOBUFS
    public const int IsConnected = 106; // EISCONN
    public const int NotConnected = 107; // ENOTCONN
    public const int TimedOut = 110; // ETIMEDOUT
    public const int ConnectionRefused = 111; // ECONNREFUSED
    public const int HostUnreachable = 113; // EHOSTUNREACH
    public const int Already = 114; // EALREADY
    public const int InProgress = 115; // EINPROGRESS
    public const int Restart = 512; // ERESTARTSYS, which programs never see: the kernel handles the signal, and restarts the call if the handler wants that.

    public static int Of(Exception failure) => failure switch
    {
        LanyardSocketException socket => Of(socket.SocketErrorCode),
        LanyardNetworkException => NetworkDown,
        OperationCanceledException => Interrupted,
        SocketException { SocketErrorCode: SocketError.ConnectionRefused } => ConnectionRefused,
        _ => HostUnreachable,
    };

    private static int Of(SocketError error) => error switch
    {
        SocketError.Success => 0,
        SocketError.NetworkUnreachable => NetworkUnreachable,
        SocketError.AddressNotAvailable => AddressNotAvailable,
        SocketError.AddressAlreadyInUse => AddressInUse,
        SocketError.NoBufferSpaceAvailable => NoBufferSpace,
        SocketError.MessageSize => MessageTooLong,
        SocketError.NotConnected => NotConnected,
        SocketError.AccessDenied => AccessDenied,
        SocketError.ConnectionRefused or SocketError.ProtocolNotSupported => ConnectionRefused,
        SocketError.ConnectionReset => ConnectionReset,
        SocketError.ConnectionAborted => ConnectionAborted,
        SocketError.TimedOut => TimedOut,
        SocketError.NetworkDown => NetworkDown,
        _ => HostUnreachable,
    };
}
