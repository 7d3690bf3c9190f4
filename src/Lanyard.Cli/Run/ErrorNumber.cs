namespace Lanyard.Cli.Run;

/// <summary>Linux's error numbers that the supervisor tells from others or gives to programs.</summary>
internal static class ErrorNumber
{
    public const int NoSuchEntry = 2; // ENOENT
    public const int Interrupted = 4; // EINTR
    public const int InputOutput = 5; // EIO
    public const int TryAgain = 11; // EAGAIN
    public const int BadAddress = 14; // EFAULT
    public const int BadRequest = 22; // EINVAL
    public const int MessageTooLong = 90; // EMSGSIZE
    public const int AddressFamilyNotSupported = 97; // EAFNOSUPPORT
    public const int AddressInUse = 98; // EADDRINUSE
    public const int AddressNotAvailable = 99; // EADDRNOTAVAIL
    public const int NetworkDown = 100; // ENETDOWN
    public const int NetworkUnreachable = 101; // ENETUNREACH
    public const int ConnectionAborted = 103; // ECONNABORTED
    public const int ConnectionReset = 104; // ECONNRESET
    public const int NotConnected = 107; // ENOTCONN
}
