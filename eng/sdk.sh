# Sourced by other scripts. Explains how to install the .NET SDK if it is missing.
if ! command -v dotnet >/dev/null 2>&1; then
  echo "The .NET SDK is not on the PATH. Install .NET SDK 10 (https://dotnet.microsoft.com/download), then try again." >&2
  exit 1
fi
case "$(dotnet --version 2>/dev/null)" in
  1[0-9].*) ;;
  *) echo "This script needs .NET SDK 10 or later; 'dotnet --version' reports: $(dotnet --version 2>&1 | head -n 1)" >&2; exit 1 ;;
esac
export DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1
