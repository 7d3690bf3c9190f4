using Microsoft.Extensions.Logging;

namespace Lanyard.Service.Intercept;

/// <summary>What the intercept's service says in logs.</summary>
internal static partial class Log
{
    [LoggerMessage(1, LogLevel.Error, "Programs are no longer served: their local socket failed.")]
    public static partial void InterceptEnded(ILogger logger, Exception failure);
}
