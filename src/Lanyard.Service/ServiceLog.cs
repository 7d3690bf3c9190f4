using Microsoft.Extensions.Logging;

namespace Lanyard.Service;

/// <summary>The log events of the service.</summary>
internal static partial class ServiceLog
{
    [LoggerMessage(101, LogLevel.Information, "API listening on TCP port {Port} of {Addresses}.")]
    public static partial void ApiStarted(ILogger logger, int port, string addresses);

    [LoggerMessage(102, LogLevel.Warning, "{Setting}. The setting in '{File}' has no effect.")]
    public static partial void SettingWithoutEffect(ILogger logger, string setting, string file);

    [LoggerMessage(103, LogLevel.Information, "Reloaded '{File}'.")]
    public static partial void ConfigurationRead(ILogger logger, string file);

    [LoggerMessage(104, LogLevel.Error, "Keeping the previous configuration: {Message}")]
    public static partial void ConfigurationRefused(ILogger logger, string message);

    [LoggerMessage(105, LogLevel.Warning, "The change of {Settings} takes effect at the next start of the service.")]
    public static partial void NextStart(ILogger logger, string settings);

    [LoggerMessage(106, LogLevel.Error, "Could not reopen the API after a change of allowManagementFrom. Restart the service.")]
    public static partial void ApiNotReopened(ILogger logger, Exception exception);

    [LoggerMessage(107, LogLevel.Error, "Could not apply the settings of the service.")]
    public static partial void ConfigurationFailed(ILogger logger, Exception exception);

    [LoggerMessage(108, LogLevel.Information, "The system does not report changes of '{File}'. The service checks the file periodically; send SIGHUP to reload it at once.")]
    public static partial void NotWatched(ILogger logger, string file, Exception exception);

    [LoggerMessage(109, LogLevel.Warning, "Read '{File}' as existing nodes do: {Setting}.")]
    public static partial void SettingAdjusted(ILogger logger, string setting, string file);

    [LoggerMessage(110, LogLevel.Error, "Did not import '{File}' from controller.d: {Reason} If you need the record, create it through the API.")]
    public static partial void RecordLeft(ILogger logger, string file, string reason);

    [LoggerMessage(111, LogLevel.Warning, "Wrote a new token to '{File}', which was empty.")]
    public static partial void TokenMade(ILogger logger, string file);

    [LoggerMessage(112, LogLevel.Warning, "Using {Count} trusted paths from '{OldFile}', which is read only at the start. Move them to '{File}', as physical.NETWORK.trustedPathId.")]
    public static partial void OldTrustedPaths(ILogger logger, int count, string oldFile, string file);
}
