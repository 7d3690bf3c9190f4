using Microsoft.Extensions.Logging;

namespace Lanyard.Intercept;

/// <summary>Everything that the intercept server logs.</summary>
internal static partial class InterceptLog
{
    [LoggerMessage(1, LogLevel.Warning, "Could not accept a program's request; retrying: {Reason}")]
    public static partial void NotAccepted(ILogger logger, string reason);

    [LoggerMessage(2, LogLevel.Error, "Unhandled internal error in a program's request; other programs are served. Please report this.")]
    public static partial void RequestFailed(ILogger logger, Exception failure);
}
