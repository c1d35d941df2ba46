# Writes the pages: build.sh TITLE
set -eu
sed -e "s/@title@/$1/g" -e "s/@runtime@/$FCDEPLOY_RUNTIME/g" index.html.in > index.html
echo "wrote index.html"
